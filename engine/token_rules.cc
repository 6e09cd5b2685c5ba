#include "engine/token_rules.h"

#include <algorithm>

#include "core/base/field_error.h"
#include "engine/engine.h"
#include "engine/token_mask.h"
#include "ops/sample.h"

namespace engine {
namespace {

// Whether the tokens before a row end in all of `word` but its last token.
bool IsNearlySaid(std::span<const int32_t> word, const AnswerTokens& before) {
  const auto begun = static_cast<int64_t>(word.size()) - 1;
  if (begun > before.size()) return false;
  for (int64_t i = 0; i < begun; ++i) {
    if (before.FromEnd(i) != word[begun - 1 - i]) return false;
  }
  return true;
}

}  // namespace

int32_t AnswerTokens::FromEnd(int64_t i) const {
  const auto num_drafted = static_cast<int64_t>(drafted.size());
  return i < num_drafted ? drafted[num_drafted - 1 - i] : known[known.size() - 1 - (i - num_drafted)];
}

absl::StatusOr<TokenRules> TokenRules::Create(std::span<const int32_t> allowed, std::span<const std::string> bad_words,
                                              const Tokenizer& tokenizer, int vocab_size) {
  TokenRules rules;
  if (!allowed.empty()) rules.allowed_.resize(TokenMaskWords(vocab_size));
  for (const int32_t token : allowed) {
    if (token < 0 || token >= vocab_size) {
      return FieldError("allowed_token_ids",
                        absl::StrFormat("has token %d; the model's tokens are 0 to %d", token, vocab_size - 1));
    }
    Allow(token, rules.allowed_);
  }
  if (constexpr size_t kMost = GenerationRequest::kMaxBadWords; bad_words.size() > kMost) {
    return FieldError("bad_words", absl::StrFormat("has %d entries; it may have %d", bad_words.size(), kMost));
  }
  for (const std::string& word : bad_words) {
    const size_t begin = std::min(word.find_first_not_of(' '), word.size());
    if (begin == word.size()) return FieldError("bad_words", "has an entry without a letter");
    if (word.size() > kMaxBadWordBytes) {
      return FieldError("bad_words",
                        absl::StrFormat("has an entry of %d bytes; it may have %d", word.size(), kMaxBadWordBytes));
    }
    RETURN_IF_ERROR(rules.AddBadWord(word.substr(begin), tokenizer, vocab_size));
    RETURN_IF_ERROR(rules.AddBadWord(" " + word.substr(begin), tokenizer, vocab_size));
    if (rules.num_bad_tokens_ > kMaxBadWordTokens) {
      return FieldError("bad_words", absl::StrFormat("has more than %d tokens together", kMaxBadWordTokens));
    }
  }
  return rules;
}

absl::Status TokenRules::AddBadWord(const std::string& text, const Tokenizer& tokenizer, int vocab_size) {
  ASSIGN_OR_RETURN(std::vector<int32_t> tokens, tokenizer.Encode(text, {}));
  const bool is_known = std::ranges::all_of(tokens, [=](int32_t id) { return id >= 0 && id < vocab_size; });
  if (tokens.empty() || !is_known)
    return FieldError("bad_words", absl::StrFormat("has \"%s\", for which the model has no tokens", text));
  if (std::ranges::find(bad_words_, tokens) != bad_words_.end()) return absl::OkStatus();
  num_bad_tokens_ += tokens.size();
  bad_words_.push_back(std::move(tokens));
  return absl::OkStatus();
}

void TokenRules::Restrict(const AnswerTokens& before, std::span<uint32_t> mask) const {
  for (size_t w = 0; w < allowed_.size(); ++w) mask[w] &= allowed_[w];
  for (const std::vector<int32_t>& word : bad_words_) {
    if (IsNearlySaid(word, before)) Forbid(word.back(), mask);
  }
}

}  // namespace engine
