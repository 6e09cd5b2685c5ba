// Holds the answers of constrained requests to what they may be: what each row may draw, which drafts are worth
// verifying, where an answer is complete. All rules of a request make one mask. Belongs to the engine thread.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/runtime/drafter.h"
#include "core/runtime/step_plan.h"
#include "engine/runner.h"
#include "engine/thinking_budget.h"
#include "engine/token_rules.h"
#include "text/grammar.h"
#include "text/tokenizer.h"

namespace engine {

// What one answer is held to. Null: nothing.
struct AnswerLimits {
  TokenRules tokens;
  std::unique_ptr<ThinkingBudget> thinking;
  std::unique_ptr<Grammar> grammar;

  bool any() const { return tokens.any() || thinking != nullptr || grammar != nullptr; }
};

// What a token means to the answer's grammar.
struct GrammarStep {
  bool is_incomplete = false;  // the answer may not end behind it
  bool is_last = false;        // nothing may follow
  bool is_behind_end = false;  // it is no part of the answer, which was complete before it
};

// An answer that has ended by its grammar: nothing may follow, or the grammar cannot go on.
struct GrammarEnd {
  int64_t request = 0;
  absl::Status error;
};

class AnswerRules {
 public:
  // end_ids: the model's, with which the grammars were compiled.
  AnswerRules(const Tokenizer& tokenizer, int vocab_size, std::span<const int32_t> end_ids);

  void Add(int64_t request, AnswerLimits limits) { answers_[request].limits = std::move(limits); }
  void Drop(int64_t request) { answers_.erase(request); }

  // Text that must follow becomes the draft; any other draft is cut where it may not go on.
  void Review(DraftSlot& slot);

  // Of all rows of constrained sequences that `plan` samples. A row whose grammar has failed gets nothing to draw.
  void FillMasks(const StepPlan& plan, const Runner& runner);

  // Goes on behind a token of the answer; a stop token is none.
  GrammarStep Follow(int64_t request, int32_t token, bool is_stop_token);

  // Why the last step had nothing to draw at `position`; OK if that is not for what the request is held to.
  absl::Status ErrorOf(int64_t request, int64_t position) const;

  // Those since the last call.
  std::vector<GrammarEnd> TakeEnds() { return std::exchange(ends_, {}); }

 private:
  static constexpr int64_t kNowhere = -1;

  struct Answer {
    AnswerLimits limits;
    bool has_ended = false;       // by its grammar
    int64_t stuck_at = kNowhere;  // the first position of the last step without a token left to draw
    absl::Status error;
  };

  void ReviewByGrammar(Grammar& grammar, DraftSlot& slot) const;
  absl::Status FillPart(const StepPlan& plan, const ScheduledSequence& part, const Runner& runner, Answer& answer);
  absl::Status FillRow(const StepPlan& plan, const ScheduledSequence& part, const Runner& runner, int drafted,
                       Answer& answer) const;
  absl::StatusOr<bool> FillByGrammar(const LogitsRow& row, const Sequence& sequence, std::span<uint32_t> mask,
                                     Grammar& grammar) const;
  bool IsOver(std::span<const uint32_t> mask) const;
  std::vector<int32_t> Forced(Grammar& grammar) const;

  const Tokenizer* tokenizer_;
  std::vector<uint32_t> ends_mask_;  // bits of the model's end ids
  std::vector<uint32_t> next_mask_;  // reused
  std::unordered_map<int64_t, Answer> answers_;
  std::vector<GrammarEnd> ends_;
};

}  // namespace engine
