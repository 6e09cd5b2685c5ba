#include "engine/render_prompt.h"

#include "core/base/field_error.h"
#include "engine/chat_context.h"

namespace engine {
namespace {

absl::StatusOr<RenderedPrompt> RenderMessages(const ModelText& text, const GenerationRequest& request) {
  if (text.chat_template == nullptr) {
    return About("messages",
                 FailedPrecondition("the model has no chat template; give a plain prompt instead of messages"));
  }
  ASSIGN_OR_RETURN(nlohmann::ordered_json context, ChatContext(text, request));
  absl::StatusOr<EncodedChat> chat =
      EncodeChat(*text.chat_template, *text.tokenizer, std::move(context), request.continue_final_message);
  if (!chat.ok()) return FieldOf(chat.status()).empty() ? About("messages", chat.status()) : chat.status();
  return RenderedPrompt{.text = std::move(chat->text), .tokens = std::move(chat->ids)};
}

absl::StatusOr<RenderedPrompt> RenderRequest(const ModelText& text, const GenerationRequest& request) {
  const int given = !request.messages.empty() + !request.prompt.empty() + !request.prompt_tokens.empty();
  if (given != 1) return InvalidArgument("give exactly one of messages, prompt and prompt_tokens; %d are given", given);
  if (!request.messages.empty()) return RenderMessages(text, request);
  if (!request.prompt_tokens.empty()) return RenderedPrompt{.tokens = request.prompt_tokens};
  const EncodeOptions options = {.parse_special = request.parse_special_tokens,
                                 .add_special = request.add_special_tokens};
  ASSIGN_OR_RETURN(std::vector<int32_t> tokens, text.tokenizer->Encode(request.prompt, options));
  return RenderedPrompt{.text = request.prompt, .tokens = std::move(tokens)};
}

}  // namespace

absl::StatusOr<RenderedPrompt> RenderPrompt(const ModelText& text, int vocab, const GenerationRequest& request) {
  ASSIGN_OR_RETURN(RenderedPrompt prompt, RenderRequest(text, request));
  for (const int32_t id : prompt.tokens) {
    if (id >= 0 && id < vocab) continue;
    const std::string why = absl::StrFormat("token %d; the model's tokens are 0 to %d", id, vocab - 1);
    if (request.prompt_tokens.empty()) return InvalidArgument("the tokenizer makes %s", why);
    return FieldError("prompt_tokens", "has " + why);
  }
  return prompt;
}

}  // namespace engine
