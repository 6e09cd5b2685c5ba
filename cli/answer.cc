#include "cli/answer.h"

#include <condition_variable>
#include <mutex>

#include "absl/strings/str_format.h"
#include "core/base/clock.h"

namespace engine {
namespace {

// Collects updates on the output thread; another thread waits for the last one.
class Collector {
 public:
  explicit Collector(AnswerSink on_update) : on_update_(std::move(on_update)) {}

  void Add(const GenerationUpdate& update) {
    const bool unwanted = !on_update_(update);
    std::lock_guard lock(mutex_);
    if (unwanted) unwanted_ = true;
    Generation& generation = answer_.generation;
    if (generation.tokens.empty() && !update.tokens.empty()) answer_.first_token_seconds = SecondsSince(start_);
    Append(update, generation);
    error_ = update.error;
    if (update.finish != Finish::kNone) answer_.total_seconds = SecondsSince(start_);
    if (update.finish != Finish::kNone || unwanted) changed_.notify_one();
  }

  // False: the answer goes on, and nobody wants it.
  bool WaitForEndOrUnwanted() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return unwanted_ || answer_.generation.finish != Finish::kNone; });
    return answer_.generation.finish != Finish::kNone;
  }

  absl::StatusOr<Answer> Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answer_.generation.finish != Finish::kNone; });
    if (answer_.generation.finish == Finish::kError) return error_;
    return std::move(answer_);
  }

 private:
  const AnswerSink on_update_;
  const TimePoint start_ = Now();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool unwanted_ = false;
  Answer answer_;
  absl::Status error_;
};

}  // namespace

double Answer::decode_rate() const {
  const double seconds = total_seconds - first_token_seconds;
  const size_t tokens = generation.tokens.size();
  return tokens < 2 || seconds <= 0 ? 0 : static_cast<double>(tokens - 1) / seconds;
}

absl::StatusOr<Answer> StreamAnswer(Engine& engine, const GenerationRequest& request, Interrupt& interrupt,
                                    AnswerSink on_update) {
  // Shared with the callback, which the engine may keep for a moment after the last update.
  const auto collector = std::make_shared<Collector>(std::move(on_update));
  ASSIGN_OR_RETURN(const RequestId id,
                   engine.Submit(request, [collector](const GenerationUpdate& update) { collector->Add(update); }));
  interrupt.Arm([&engine, id] { engine.Cancel(id); });
  if (!collector->WaitForEndOrUnwanted()) engine.Cancel(id);
  absl::StatusOr<Answer> answer = collector->Wait();
  interrupt.Disarm();
  return answer;
}

std::string DescribeSpeed(const Answer& answer) {
  const Generation& generation = answer.generation;
  std::string text = absl::StrFormat("%d prompt tokens, first token after %.3f s; %d tokens at %.1f tokens/s",
                                     generation.prompt_tokens, answer.first_token_seconds, generation.tokens.size(),
                                     answer.decode_rate());
  if (generation.drafted_tokens > 0) {
    text +=
        absl::StrFormat(", %d of %d drafted tokens accepted", generation.accepted_tokens, generation.drafted_tokens);
  }
  return text;
}

}  // namespace engine
