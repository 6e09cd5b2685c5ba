// A tokenizer from any text, as a tokenizer.json or as the lists of a GGUF file: no crash, plain text makes no control token,
// and what is decoded piece by piece is valid UTF-8. The first line of an input is text to encode, the rest the tokenizer.
#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/weights/byte_reader.h"
#include "nlohmann/json.hpp"
#include "tests/fuzz/fuzz_target.h"
#include "text/gguf_vocabulary.h"
#include "text/incremental_decoder.h"
#include "text/tokenizer.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

void TakeApart(const Tokenizer& tokenizer, std::string_view text) {
  for (const bool parse_special : {false, true}) {
    const auto ids = tokenizer.Encode(text, {.parse_special = parse_special, .add_special = parse_special});
    if (!ids.ok()) continue;
    IncrementalDecoder decoder(tokenizer, !parse_special);
    for (const int32_t id : *ids) {
      const auto piece = decoder.Append(id);
      if (!piece.ok()) return;
      ENGINE_CHECK(CheckUtf8(*piece).ok());
    }
    static_cast<void>(decoder.Flush());
    static_cast<void>(tokenizer.Decode(*ids, parse_special));
  }
  for (const int32_t id : {-1, 0, tokenizer.vocab_size() - 1}) static_cast<void>(tokenizer.Spelling(id));
}

std::vector<std::string_view> Texts(const Json& json, const char* key) {
  std::vector<std::string_view> out;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return out;
  for (const Json& text : *found) {
    if (text.is_string()) out.push_back(text.get_ref<const std::string&>());
  }
  return out;
}

std::vector<double> Scores(const Json& json) {
  std::vector<double> out;
  for (const Json& score : json.value("scores", Json::array()))
    out.push_back(score.is_number() ? score.get<double>() : 0);
  return out;
}

std::vector<int64_t> Types(const Json& json) {
  std::vector<int64_t> out;
  for (const Json& type : json.value("types", Json::array())) {
    out.push_back(type.is_number_integer() ? type.get<int64_t>() : 1);
  }
  return out;
}

std::string_view TextOr(const Json& json, const char* key, std::string_view otherwise) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get_ref<const std::string&>() : otherwise;
}

int64_t IntegerOr(const Json& json, const char* key, int64_t otherwise) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

GgufVocabulary ReadVocabulary(const Json& json) {
  return {.model = TextOr(json, "model", "gpt2"),
          .pre = TextOr(json, "pre", "default"),
          .tokens = Texts(json, "tokens"),
          .scores = Scores(json),
          .types = Types(json),
          .merges = Texts(json, "merges"),
          .bos = IntegerOr(json, "bos", -1),
          .unknown = IntegerOr(json, "unknown", -1),
          .add_bos = IntegerOr(json, "add_bos", 0) != 0,
          .add_space_prefix = IntegerOr(json, "add_space_prefix", 1) != 0};
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  const std::string_view input = AsText(bytes);
  const std::string_view text = input.substr(0, input.find('\n'));
  const std::string_view json = input.substr(std::min(input.size(), text.size() + 1));
  if (const auto tokenizer = Tokenizer::FromJson(json); tokenizer.ok()) TakeApart(**tokenizer, text);
  const Json lists = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!lists.is_object() || !lists.contains("tokens")) return;
  const auto written = TokenizerJson(ReadVocabulary(lists));
  if (!written.ok()) return;
  if (const auto tokenizer = Tokenizer::FromJson(*written); tokenizer.ok()) TakeApart(**tokenizer, text);
}

}  // namespace engine
