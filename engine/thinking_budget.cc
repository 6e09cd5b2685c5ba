#include "engine/thinking_budget.h"

#include <limits>
#include <utility>

namespace engine {

ThinkingBudget::ThinkingBudget(const Tokenizer& tokenizer, Options options)
    : tokenizer_(tokenizer),
      options_(std::move(options)),
      decoder_(tokenizer, /*skip_special=*/true, std::move(options_.markers)) {}

std::optional<int32_t> ThinkingBudget::forced() const {
  const bool is_due = num_forced_ > 0 || (is_used_up() && options_.parser->in_reasoning());
  return is_due ? std::optional(options_.end[num_forced_]) : std::nullopt;
}

void ThinkingBudget::Follow(int32_t token) {
  const bool was_forced = forced() == token;
  if (!was_forced && options_.parser->in_reasoning()) ++num_tokens_;
  // A text that does not decode is not sent either: the answer fails where it is.
  options_.parser->Push(decoder_.Append(token).value_or(""), deltas_);
  deltas_.clear();
  if (was_forced && ++num_forced_ < options_.end.size()) return;
  num_forced_ = 0;
  if (!was_forced) return;
  // What should have ended it has not, and would not the next time.
  if (options_.parser->in_reasoning()) options_.tokens = std::numeric_limits<int>::max();
}

void ThinkingBudget::Cut(Draft& draft) const {
  if (num_forced_ > 0) draft.size = 0;
  bool may_reason = options_.parser->in_reasoning();
  int64_t left = options_.tokens - num_tokens_;
  for (int i = 0; i < draft.size; ++i) {
    may_reason = may_reason || MayOpen(draft.tokens[i]);
    if (may_reason && --left <= 0) draft.size = i;
  }
}

// Of a text that opens reasoning this is the last token, or one that it ends in.
bool ThinkingBudget::MayOpen(int32_t token) const {
  if (options_.open.empty()) return true;
  const auto text = tokenizer_.Decode({{token}}, /*skip_special=*/false);
  return !text.ok() || text->find(options_.open.back()) != std::string::npos;
}

}  // namespace engine
