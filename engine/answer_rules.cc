#include "engine/answer_rules.h"

#include <algorithm>

#include "core/base/utf8.h"
#include "engine/token_mask.h"

namespace engine {
namespace {

// Not in the middle of a character, where a grammar lets nothing else come first.
void ForceIfAllowed(int32_t token, std::span<uint32_t> mask) {
  if (!IsAllowed(token, mask)) return;
  std::ranges::fill(mask, 0);
  Allow(token, mask);
}

}  // namespace

AnswerRules::AnswerRules(const Tokenizer& tokenizer, int vocab_size, std::span<const int32_t> end_ids)
    : tokenizer_(&tokenizer), ends_mask_(TokenMaskWords(vocab_size)), next_mask_(ends_mask_.size()) {
  for (const int32_t id : end_ids) Allow(id, ends_mask_);
}

void AnswerRules::Review(DraftSlot& slot) {
  const auto found = answers_.find(slot.sequence->id);
  if (found == answers_.end()) return;
  const AnswerLimits& limits = found->second.limits;
  if (limits.grammar != nullptr) ReviewByGrammar(*limits.grammar, slot);
  if (limits.thinking != nullptr) limits.thinking->Cut(slot.draft);
}

void AnswerRules::ReviewByGrammar(Grammar& grammar, DraftSlot& slot) const {
  Draft& draft = slot.draft;
  const Sequence& sequence = *slot.sequence;
  const auto most = std::min<int64_t>(sequence.max_draft, sequence.capacity - sequence.known() - 1);
  if (const std::vector<int32_t> forced = Forced(grammar); !forced.empty()) {
    draft.size = static_cast<int>(std::clamp<int64_t>(most, 0, static_cast<int64_t>(forced.size())));
    std::copy_n(forced.begin(), draft.size, draft.tokens.begin());
    std::fill_n(draft.evidence.begin(), draft.size, static_cast<uint8_t>(Draft::kNumClasses - 1));
  }
  // An error is the grammar's last word: it says so again where masks are filled.
  const auto accepted = grammar.Advance(std::span(draft.tokens).first(draft.size));
  draft.size = accepted.ok() ? *accepted : 0;
  if (accepted.ok()) (void)grammar.Rollback(*accepted);
}

// In the tokens that the tokenizer makes of it. The model may spell it in others, which the mask allows.
std::vector<int32_t> AnswerRules::Forced(Grammar& grammar) const {
  const auto text = grammar.Forced();
  if (!text.ok() || text->empty() || !CheckUtf8(*text).ok()) return {};
  auto tokens = tokenizer_->Encode(*text, {});
  return tokens.ok() ? *std::move(tokens) : std::vector<int32_t>();
}

void AnswerRules::FillMasks(const StepPlan& plan, const Runner& runner) {
  if (answers_.empty()) return;
  for (const ScheduledSequence& part : plan.sequences) {
    const auto found = answers_.find(part.id);
    if (found == answers_.end() || !part.samples_next) continue;
    found->second.error = FillPart(plan, part, runner, found->second);
    if (found->second.error.ok()) continue;
    std::ranges::fill(runner.token_mask(part.first_row + part.num_rows - 1 - part.num_drafted), 0);
  }
}

// The row behind each drafted token has the mask of an answer that goes on with it.
absl::Status AnswerRules::FillPart(const StepPlan& plan, const ScheduledSequence& part, const Runner& runner,
                                   Answer& answer) {
  Grammar* grammar = answer.limits.grammar.get();
  answer.stuck_at = kNowhere;
  const int first_draft = part.first_input + part.num_tokens - part.num_drafted;
  int advanced = 0;
  for (int i = 0; i <= part.num_drafted; ++i) {
    RETURN_IF_ERROR(FillRow(plan, part, runner, i, answer));
    if (i == part.num_drafted || grammar == nullptr) continue;
    ASSIGN_OR_RETURN(const int accepted, grammar->Advance(std::span(&plan.tokens[first_draft + i].id, 1)));
    if (accepted == 0) break;  // the row before does not draw it, so nobody looks at those behind
    ++advanced;
  }
  return grammar == nullptr ? absl::OkStatus() : grammar->Rollback(advanced);
}

// The row behind the first `drafted` tokens of the draft.
absl::Status AnswerRules::FillRow(const StepPlan& plan, const ScheduledSequence& part, const Runner& runner,
                                  int drafted, Answer& answer) const {
  const AnswerLimits& limits = answer.limits;
  const int row = part.first_row + part.num_rows - 1 - part.num_drafted + drafted;
  const Sequence& sequence = *part.sequence;
  const std::span<uint32_t> mask = runner.token_mask(row);
  std::ranges::fill(mask, ~0u);
  if (limits.grammar != nullptr) {
    ASSIGN_OR_RETURN(const bool is_behind_end, FillByGrammar(plan.rows[row], sequence, mask, *limits.grammar));
    if (is_behind_end) return absl::OkStatus();
  }
  const auto forced = drafted == 0 && limits.thinking != nullptr ? limits.thinking->forced() : std::nullopt;
  if (forced) ForceIfAllowed(*forced, mask);
  limits.tokens.Restrict({.known = std::span(sequence.tokens).subspan(sequence.prompt_tokens),
                          .drafted = std::span(sequence.draft.tokens).first(drafted)},
                         mask);
  if (plan.rows[row].mask_stops) {
    for (const int32_t id : sequence.stop_ids) Forbid(id, mask);
  }
  const bool is_stuck = std::ranges::all_of(mask, [](uint32_t word) { return word == 0; });
  if (is_stuck && answer.stuck_at == kNowhere) answer.stuck_at = plan.rows[row].position;
  return absl::OkStatus();
}

// True behind the end of the answer, where whatever is drawn is not looked at.
absl::StatusOr<bool> AnswerRules::FillByGrammar(const LogitsRow& row, const Sequence& sequence,
                                                std::span<uint32_t> mask, Grammar& grammar) const {
  ASSIGN_OR_RETURN(const bool may_end, grammar.Mask(mask));
  if (!may_end) return false;
  if (IsOver(mask) && row.position > sequence.prompt_tokens) {
    std::ranges::fill(mask, ~0u);
    return true;
  }
  // A request may have other ends than the model's, or ignore those.
  for (size_t w = 0; w < mask.size(); ++w) mask[w] &= ~ends_mask_[w];
  for (const int32_t id : sequence.stop_ids) Allow(id, mask);
  return false;
}

bool AnswerRules::IsOver(std::span<const uint32_t> mask) const {
  for (size_t w = 0; w < mask.size(); ++w) {
    if ((mask[w] & ~ends_mask_[w]) != 0) return false;
  }
  return true;
}

GrammarStep AnswerRules::Follow(int64_t request, int32_t token, bool is_stop_token) {
  const auto found = answers_.find(request);
  if (found == answers_.end()) return {};
  Answer& answer = found->second;
  if (answer.has_ended) return {.is_behind_end = true};
  if (is_stop_token) return {};
  if (answer.limits.thinking != nullptr) answer.limits.thinking->Follow(token);
  Grammar* grammar = answer.limits.grammar.get();
  if (grammar == nullptr) return {};
  const auto accepted = grammar->Advance(std::span(&token, 1));
  auto may_end = accepted.ok() ? grammar->Mask(next_mask_) : accepted.status();
  if (may_end.ok() && *accepted == 0) may_end = absl::InternalError("a token was drawn that the grammar forbids");
  answer.has_ended = !may_end.ok() || (*may_end && IsOver(next_mask_));
  if (answer.has_ended) ends_.push_back({.request = request, .error = may_end.status()});
  return {.is_incomplete = !may_end.ok() || !*may_end, .is_last = answer.has_ended};
}

absl::Status AnswerRules::ErrorOf(int64_t request, int64_t position) const {
  const auto found = answers_.find(request);
  if (found == answers_.end()) return absl::OkStatus();
  if (!found->second.error.ok()) return found->second.error;
  if (found->second.stuck_at != position) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "no token is left to draw: the grammar, allowed_token_ids, bad_words and thinking_token_budget together allow "
      "none, or only stop tokens before min_tokens are reached");
}

}  // namespace engine
