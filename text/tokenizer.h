// Text to token ids and back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

struct EngineTokenizer;

namespace engine {

struct EncodeOptions {
  // Texts of special tokens become those tokens. Only for text that we made ourselves: what a user writes stays text.
  bool parse_special = false;
  // What the tokenizer puts around a whole text, usually a BOS token.
  bool add_special = false;
};

// Immutable; any thread may use it.
class Tokenizer {
 public:
  struct AddedToken {
    int32_t id;
    std::string text;
    bool special;  // a control token
  };

  // From the text of a tokenizer.json.
  static absl::StatusOr<std::unique_ptr<Tokenizer>> FromJson(std::string_view json);
  ~Tokenizer();

  // Text that is not UTF-8 is refused, and OutOfRange is returned for one that is longer than the limit.
  absl::StatusOr<std::vector<int32_t>> Encode(std::string_view text, const EncodeOptions& options) const;

  // How long a text may be, in bytes: encoding holds up to 400 for each. Not while others use the tokenizer.
  void LimitText(size_t max_bytes) { max_text_bytes_ = max_bytes; }
  // OutOfRange if the text is longer.
  absl::Status CheckLength(std::string_view text) const;

  // Ids without a token are skipped. skip_special leaves control tokens out.
  absl::StatusOr<std::string> Decode(std::span<const int32_t> ids, bool skip_special) const;

  // 1 + the largest id.
  int vocab_size() const { return vocab_size_; }
  // A token stands for bytes, whatever is around it (text/token_bytes.h).
  bool is_byte_level() const { return is_byte_level_; }
  const std::vector<AddedToken>& added_tokens() const { return added_tokens_; }
  bool IsSpecial(int32_t id) const;
  // The added token with this text, or -1.
  int32_t IdOfAdded(std::string_view text) const;
  // For what else text/ffi makes of a tokenizer.
  const EngineTokenizer* handle() const { return handle_; }
  // The vocabulary's own spelling ("Ġthe").
  std::string Spelling(int32_t id) const;

 private:
  explicit Tokenizer(EngineTokenizer* handle) : handle_(handle) {}
  absl::Status ReadDescription();

  EngineTokenizer* handle_;  // owned
  int vocab_size_ = 0;
  size_t max_text_bytes_ = size_t{32} << 20;
  bool is_byte_level_ = false;
  std::vector<AddedToken> added_tokens_;  // ascending by id
};

}  // namespace engine
