// Which tokens an answer may have, whatever they spell: none but some, and none that completes a bad word.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "text/tokenizer.h"

namespace engine {

// The tokens of an answer before a row's own: those that are known, then those of the draft.
struct AnswerTokens {
  std::span<const int32_t> known;
  std::span<const int32_t> drafted;

  int64_t size() const { return static_cast<int64_t>(known.size() + drafted.size()); }
  int32_t FromEnd(int64_t i) const;  // 0: the last one
};

class TokenRules {
 public:
  // As many may a request's bad words have together: every row looks at each.
  static constexpr size_t kMaxBadWordTokens = 1 << 14;
  static constexpr size_t kMaxBadWordBytes = 1 << 12;

  // allowed: ids; empty: all. A bad word is forbidden as the tokens that the tokenizer makes of it, with a blank before it
  // and without one.
  static absl::StatusOr<TokenRules> Create(std::span<const int32_t> allowed, std::span<const std::string> bad_words,
                                           const Tokenizer& tokenizer, int vocab_size);

  bool any() const { return !allowed_.empty() || !bad_words_.empty(); }

  // Clears the bits of tokens that may not follow.
  void Restrict(const AnswerTokens& before, std::span<uint32_t> mask) const;

 private:
  absl::Status AddBadWord(const std::string& text, const Tokenizer& tokenizer, int vocab_size);

  std::vector<uint32_t> allowed_;                // a mask; empty: all
  std::vector<std::vector<int32_t>> bad_words_;  // none of them empty
  size_t num_bad_tokens_ = 0;                    // of these
};

}  // namespace engine
