#include "text/tokenizer.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "core/base/utf8.h"
#include "nlohmann/json.hpp"
#include "text/ffi_text.h"

namespace engine {
namespace {

// Twice the largest published tokenizer.json (33 MB, 262,144 tokens).
constexpr size_t kMaxJsonBytes = size_t{64} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::FromJson(std::string_view json) {
  if (json.size() > kMaxJsonBytes) {
    return InvalidArgument("tokenizer.json has %d bytes; at most %d are read", json.size(), kMaxJsonBytes);
  }
  EngineTokenizer* handle = nullptr;
  EngineTextBuffer error{};
  const int code = engine_tokenizer_new(Bytes(json), json.size(), &handle, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "tokenizer.json"));
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer(handle));
  RETURN_IF_ERROR(tokenizer->ReadDescription());
  return tokenizer;
}

Tokenizer::~Tokenizer() { engine_tokenizer_free(handle_); }

absl::Status Tokenizer::ReadDescription() {
  EngineTextBuffer text{};
  EngineTextBuffer error{};
  RETURN_IF_ERROR(TakeStatus(engine_tokenizer_describe(handle_, &text, &error), error, "tokenizer.json"));
  const auto description = nlohmann::json::parse(TakeBuffer(text), nullptr, /*allow_exceptions=*/false);
  const int64_t size = description.value("vocab_size", int64_t{0});
  if (size < 1 || size > (int64_t{1} << 24)) {
    return InvalidArgument("tokenizer.json: its largest id is %d; ids from 0 to 16777215 are supported", size - 1);
  }
  vocab_size_ = static_cast<int>(size);
  is_byte_level_ = description.value("is_byte_level", false);
  for (const auto& token : description["added_tokens"]) {
    added_tokens_.push_back({token["id"], token["content"], token["special"]});
  }
  return absl::OkStatus();
}

absl::Status Tokenizer::CheckLength(std::string_view text) const {
  if (text.size() <= max_text_bytes_) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrFormat("the text has %d bytes; at most %d are encoded at once", text.size(), max_text_bytes_));
}

absl::StatusOr<std::vector<int32_t>> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  RETURN_IF_ERROR(CheckLength(text));
  RETURN_IF_ERROR(CheckUtf8(text));
  EngineTextBuffer ids{};
  EngineTextBuffer error{};
  const int code = engine_tokenizer_encode(handle_, Bytes(text), text.size(), options.parse_special,
                                           options.add_special, &ids, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "tokenizer"));
  std::vector<int32_t> out(ids.size / sizeof(int32_t));
  if (!out.empty()) std::memcpy(out.data(), ids.data, ids.size);
  engine_text_free(ids);
  return out;
}

absl::StatusOr<std::string> Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special) const {
  EngineTextBuffer text{};
  EngineTextBuffer error{};
  const int code = engine_tokenizer_decode(handle_, reinterpret_cast<const uint32_t*>(ids.data()), ids.size(),
                                           skip_special, &text, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "tokenizer"));
  return TakeBuffer(text);
}

bool Tokenizer::IsSpecial(int32_t id) const {
  const auto found = std::ranges::lower_bound(added_tokens_, id, {}, &AddedToken::id);
  return found != added_tokens_.end() && found->id == id && found->special;
}

int32_t Tokenizer::IdOfAdded(std::string_view text) const {
  const auto found = std::ranges::find(added_tokens_, text, &AddedToken::text);
  return found == added_tokens_.end() ? -1 : found->id;
}

std::string Tokenizer::Spelling(int32_t id) const {
  EngineTextBuffer text{};
  EngineTextBuffer error{};
  const absl::Status status =
      TakeStatus(engine_tokenizer_token(handle_, static_cast<uint32_t>(id), &text, &error), error, "tokenizer");
  return status.ok() ? TakeBuffer(text) : std::string();
}

}  // namespace engine
