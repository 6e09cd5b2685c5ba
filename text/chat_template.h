// Chat templates as Hugging Face renders them, and prompts that user text cannot break out of.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "nlohmann/json_fwd.hpp"
#include "text/tokenizer.h"

struct EngineTemplate;

namespace engine {

// Immutable; any thread may use it.
class ChatTemplate {
 public:
  static absl::StatusOr<std::unique_ptr<ChatTemplate>> Compile(std::string_view source);
  ~ChatTemplate();

  // context: messages, tools, add_generation_prompt, bos_token, eos_token and whatever else the template reads.
  // The template's own refusal (raise_exception) is the error's message.
  absl::StatusOr<std::string> Render(const nlohmann::ordered_json& context) const;

 private:
  explicit ChatTemplate(EngineTemplate* handle) : handle_(handle) {}

  EngineTemplate* handle_;  // owned
};

struct EncodedChat {
  std::string text;
  std::vector<int32_t> ids;
};

// A rendered chat and its token ids. Special tokens come from the template only: where a text in `context` holds the text
// of a special token, or ends in the beginning of one, noncharacters mark the place through rendering (the context's own
// are taken out beforehand), and that text is encoded as plain text. Prompts without such text are encoded exactly as
// Hugging Face does.
// continue_final_message: what the template puts after the last message's content is left out, as Hugging Face does.
absl::StatusOr<EncodedChat> EncodeChat(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                       nlohmann::ordered_json context, bool continue_final_message = false);

}  // namespace engine
