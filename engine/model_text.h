// How a model reads and writes text: its tokenizer, its chat template, and the tokens that end an answer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/weights/checkpoint.h"
#include "nlohmann/json.hpp"
#include "text/chat_template.h"
#include "text/template_traits.h"
#include "text/tokenizer.h"

namespace engine {

struct ModelText {
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;  // null when the checkpoint has none, or one that cannot be read
  std::string template_source;                  // of it; empty: the checkpoint has none
  absl::Status template_error;                  // why it cannot be read
  TemplateTraits template_traits;
  nlohmann::ordered_json template_kwargs = nlohmann::ordered_json::object();  // what chats give it that do not set them
  std::string bos_token, eos_token;  // as texts, for the template; may be empty
  std::vector<int32_t> end_ids;      // of the model, its generation config and its tokenizer together
};

// From tokenizer.json and its side files, or from GGUF metadata; a chat_template takes the place of theirs.
absl::StatusOr<ModelText> LoadModelText(const Checkpoint& checkpoint, const std::string& chat_template = {});

}  // namespace engine
