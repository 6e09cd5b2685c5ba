// How many tokens of a sequence go into a step.
#pragma once

#include <cstdint>
#include <span>

#include "core/runtime/sequence.h"

namespace engine {

// Tokens that the next step could compute: one for a sequence that decodes, more for one that reads its prompt.
// Zero if the next token depends on a sample that must be known first, or that will end the sequence.
int64_t ReadyTokens(const Sequence& sequence);

// What a step can still take. Decode goes first: while running sequences are handed their shares in order, one token
// for each decoding sequence that is still to come, and one row of logits for every sequence, are kept back. Of a step
// that has any, prompts take no more than `max_prompt_tokens`, at least 1.
class StepBudget {
 public:
  StepBudget(int max_tokens, int max_rows, int max_prompt_tokens, std::span<Sequence* const> running);

  bool is_spent() const { return tokens_ <= reserved_tokens_ || rows_ <= reserved_rows_; }
  bool takes_prompts() const { return !is_spent() && prompt_tokens_ > 0; }

  // The sequence's turn has come: what was kept back for it is no longer.
  void Unreserve(const Sequence& sequence);
  void UnreserveAll() { reserved_tokens_ = reserved_rows_ = 0; }

  // How many of its tokens fit. At least 1 if the sequence is ready, the budget is not spent, and it takes prompts or the
  // sequence decodes.
  int Share(const Sequence& sequence) const;

  // How many drafted tokens fit behind the sequence's last known one, if that is the one it is ready for.
  int DraftShare(const Sequence& sequence) const;

  void Take(const Sequence& sequence, int num_tokens, int num_drafted);

 private:
  int64_t tokens_;
  int64_t rows_;
  int64_t prompt_tokens_;
  int64_t reserved_tokens_ = 0;
  int64_t reserved_rows_ = 0;
};

}  // namespace engine
