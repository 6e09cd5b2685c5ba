#include "text/gguf_pre_tokenizer.h"

#include <algorithm>

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Regular expressions by family. Contractions, then words with at most one leading non-letter, digits, punctuation with
// trailing line breaks, line breaks with the blanks before them, blanks.
constexpr char kLlama3[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kQwen2[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kTekken[] =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr PreTokenizer kPreTokenizers[] = {
    {"gpt-2", nullptr, false, false, false, false},    {"gpt2", nullptr, false, false, false, false},
    {"default", nullptr, false, false, false, false},  {"phi-2", nullptr, false, false, false, false},
    {"smollm", nullptr, true, false, false, false},    {"starcoder", nullptr, true, false, false, false},
    {"refact", nullptr, true, false, false, false},    {"command-r", nullptr, true, false, false, false},
    {"codeshell", nullptr, true, false, false, false}, {"llama-bpe", kLlama3, false, false, true, true},
    {"llama-v3", kLlama3, false, false, true, true},   {"llama3", kLlama3, false, false, true, true},
    {"smaug-bpe", kLlama3, false, false, true, false}, {"dbrx", kLlama3, false, false, false, false},
    {"qwen2", kQwen2, false, true, false, false},      {"deepseek-r1-qwen", kQwen2, false, true, false, false},
    {"megrez", kQwen2, false, true, false, false},     {"stablelm2", kQwen2, false, false, false, false},
    {"tekken", kTekken, false, false, true, true},
};

}  // namespace

absl::StatusOr<const PreTokenizer*> FindPreTokenizer(std::string_view name) {
  const auto* found = std::ranges::find(kPreTokenizers, name, &PreTokenizer::name);
  if (found == std::end(kPreTokenizers)) {
    return Unimplemented("tokenizer.ggml.pre is \"%s\", which is not supported; use a checkpoint with a tokenizer.json",
                         name);
  }
  return found;
}

nlohmann::ordered_json ByteLevelJson(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

nlohmann::ordered_json PreTokenizerJson(const PreTokenizer& pre) {
  Json steps = Json::array();
  if (pre.single_digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  if (pre.regex != nullptr) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", pre.regex}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back(ByteLevelJson(pre.regex == nullptr));
  return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

}  // namespace engine
