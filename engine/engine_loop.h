// The engine thread: owns scheduler and runner, turns queued requests into steps and steps into events.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "core/runtime/prompt_pace.h"
#include "core/runtime/scheduler.h"
#include "core/runtime/speculation.h"
#include "engine/answer_rules.h"
#include "engine/runner.h"
#include "engine/state_pooler.h"
#include "engine/stats_board.h"

namespace engine {

// One thing that happened to a request.
struct TokenEvent {
  int64_t request = 0;
  bool has_token = false;  // `sample` holds a new token (or a scored one of the prompt)
  bool of_prompt = false;
  SampledToken sample;
  std::vector<float> embedding;               // of the prompt, where the request wants it; with its first token
  TimePoint made;                             // when its step ended
  TimePoint admitted;                         // when the request first entered the scheduler
  int64_t cached_tokens = 0;                  // of the prompt, found in the prefix cache
  int64_t drafted_tokens = 0;                 // guessed and verified so far
  int64_t accepted_tokens = 0;                // of those, right
  bool is_incomplete = false;                 // a grammar does not let the answer end here
  FinishReason finish = FinishReason::kNone;  // otherwise the request's last event
  absl::Status error;                         // why, for kError
};

class EngineLoop {
 public:
  // Called on the engine thread with the events of one step; must not block.
  using Sink = std::function<void(std::vector<TokenEvent>)>;

  struct Parts {
    Scheduler scheduler;
    std::unique_ptr<Runner> runner;
    std::unique_ptr<Drafter> drafter;  // null: each token takes a step
    AnswerRules rules;
    StatePooler pooler;
  };
  // `stats` outlives the loop. ResourceExhausted where the system starts no more threads.
  static absl::StatusOr<std::unique_ptr<EngineLoop>> Create(Parts parts, StatsBoard& stats, Sink sink);
  ~EngineLoop() { Stop(); }

  // Ends the thread after the step in flight; requests that have not ended get no further events. Any thread but the
  // engine's own; what is queued afterwards has no effect.
  void Stop();

  // Refuses what could never run; any thread.
  absl::Status CheckCanRun(const Request& request) const;

  // Any thread. Take effect before the next step. A request that has not ended at its deadline fails. `limits` has any
  // where the request is constrained.
  void Add(Request request, TimePoint deadline, AnswerLimits limits);
  void Finish(int64_t id, FinishReason reason);

 private:
  struct FinishCommand {
    int64_t id;
    FinishReason reason;
  };
  struct AddCommand {
    Request request;
    TimePoint deadline;
    AnswerLimits limits;
  };
  using Command = std::variant<AddCommand, FinishCommand>;

  EngineLoop(Parts parts, StatsBoard& stats, Sink sink);
  void Push(Command command);
  void Loop();
  bool WaitForWork();
  void Apply(Command command, std::vector<TokenEvent>& events);
  void FailLate(std::vector<TokenEvent>& events);
  void Step(std::vector<TokenEvent>& events);
  absl::StatusOr<std::span<const SampledToken>> Run(const StepPlan& plan);
  void Convert(std::span<const SequenceEvent> from, std::span<const SampledToken> samples, const absl::Status& error,
               std::vector<TokenEvent>& to);
  void EndByGrammar(std::vector<TokenEvent>& to);
  void Drop(int64_t id);
  void AddToken(const SequenceEvent& event, std::span<const SampledToken> samples, std::vector<TokenEvent>& to);

  Scheduler scheduler_;  // engine thread only
  std::unique_ptr<Runner> runner_;
  AnswerRules rules_;
  StatePooler pooler_;
  PromptPace pace_;
  std::optional<Speculation> speculation_;
  std::multimap<TimePoint, int64_t> deadlines_;  // of requests, of which some may have ended
  StatsBoard& stats_;
  Sink sink_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Command> commands_;  // guarded by mutex_
  bool stop_ = false;              // guarded by mutex_
  std::vector<Command> taken_;     // engine thread only
  std::jthread thread_;            // last: everything above outlives it
};

}  // namespace engine
