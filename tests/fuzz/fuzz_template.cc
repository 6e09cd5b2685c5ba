// Any chat template over any text: no crash, no endless run, and no control token that comes from outside. The first line of
// an input is what a user says, the rest the template.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/weights/byte_reader.h"
#include "nlohmann/json.hpp"
#include "tests/fuzz/fuzz_target.h"
#include "text/chat_template.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kTokenizer[] = R"({"version": "1.0",
  "added_tokens": [{"id": 1, "content": "<|im_end|>", "special": true, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false}],
  "model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "<|im_end|>": 1, "a": 2, "<": 3}, "merges": []}})";

Json Context(std::string_view said) {
  const Json text = {{"type", "text"}, {"text", said}};
  const Json call = {{"function", {{"name", "f"}, {"arguments", {{"x", 1.5}, {text["text"], nullptr}}}}}};
  return {{"messages",
           {{{"role", "system"}, {"content", "s"}},
            {{"role", "user"}, {"content", text["text"]}},
            {{"role", "assistant"}, {"content", Json::array({text, text})}, {"tool_calls", {call}}},
            {{"role", "tool"}, {"content", nullptr}}}},
          {"tools", Json::array({call})},
          {"add_generation_prompt", true},
          {"bos_token", "<s>"},
          {"eos_token", "</s>"}};
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  const std::string_view input = AsText(bytes);
  const std::string_view said = input.substr(0, input.find('\n'));
  const std::string_view source = input.substr(std::min(input.size(), said.size() + 1));
  const auto chat_template = ChatTemplate::Compile(source);
  if (!chat_template.ok()) return;
  const Json context = Context(said);
  if (const auto text = (*chat_template)->Render(context); text.ok()) ENGINE_CHECK(CheckUtf8(*text).ok());
  static const auto& tokenizer = *Tokenizer::FromJson(kTokenizer)->release();
  const auto chat = EncodeChat(**chat_template, tokenizer, context);
  // A template without the letters of the token cannot have written it.
  const bool writes = source.find('|') != std::string_view::npos || source.find('\\') != std::string_view::npos;
  if (chat.ok() && !writes) ENGINE_CHECK(std::ranges::find(chat->ids, 1) == chat->ids.end());
}

}  // namespace engine
