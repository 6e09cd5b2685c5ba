#include "engine/render_prompt.h"

#include <algorithm>

#include "core/base/field_error.h"
#include "engine/chat_context.h"

namespace engine {
namespace {

// Why a chat cannot be rendered. Templates that know no tools fail at their calls in words that tell nobody so.
absl::Status Explained(const ModelText& text, const GenerationRequest& request, const absl::Status& error) {
  if (!FieldOf(error).empty()) return error;
  const bool has_calls = std::ranges::any_of(request.messages, [](const ChatMessage& message) {
    return !message.tool_calls.empty() || message.role == "tool";
  });
  const bool knows_tools = text.template_source.find("tool") != std::string::npos;
  if (!absl::IsInvalidArgument(error) || !has_calls || knows_tools) return About("messages", error);
  return FieldError("messages",
                    absl::StrFormat("have tool calls or their results, at which the model's chat template, which knows "
                                    "no tools, fails; say them in the content of messages, or use a model that calls "
                                    "tools (%s)",
                                    Message(error)));
}

absl::StatusOr<RenderedPrompt> RenderMessages(const ModelText& text, const GenerationRequest& request) {
  if (!text.template_error.ok()) return About("messages", text.template_error);
  if (text.chat_template == nullptr) {
    return About("messages",
                 FailedPrecondition("the model has no chat template; give a plain prompt instead of messages"));
  }
  ASSIGN_OR_RETURN(nlohmann::ordered_json context, ChatContext(text, request));
  absl::StatusOr<EncodedChat> chat =
      EncodeChat(*text.chat_template, *text.tokenizer, std::move(context), request.continue_final_message);
  if (!chat.ok()) return Explained(text, request, chat.status());
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
