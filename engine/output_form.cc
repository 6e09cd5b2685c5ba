#include "engine/output_form.h"

#include <algorithm>

#include "engine/chat_context.h"

namespace engine {

absl::StatusOr<OutputForm> OutputForm::Find(const EngineOptions& options, const ModelText& text) {
  OutputForm form;
  form.text_ = &text;
  ASSIGN_OR_RETURN(form.format_.reasoning, FindReasoningFormat(options.reasoning_parser, text.template_source));
  ASSIGN_OR_RETURN(form.format_.tools, FindToolFormat(options.tool_call_parser, text.template_source));
  for (const std::string_view marker : MarkersOf(form.format_)) {
    if (const int32_t id = text.tokenizer->IdOfAdded(marker); id >= 0) form.markers_.push_back(id);
  }
  for (const Tokenizer::AddedToken& token : text.tokenizer->added_tokens()) {
    if (token.special) form.control_tokens_.push_back({.text = token.text, .id = token.id});
  }
  return form;
}

absl::StatusOr<std::unique_ptr<OutputParser>> OutputForm::Parser(const GenerationRequest& request,
                                                                 std::span<const int32_t> prompt) const {
  OutputParserOptions options{.format = format_};
  if (request.tool_choice.kind != ToolChoice::Kind::kNone) {
    ASSIGN_OR_RETURN(options.functions, ToolFunctions(request.tools));
  }
  constexpr size_t kEndTokens = 64;  // templates that open or close reasoning do so in fewer
  const auto end = prompt.last(std::min(prompt.size(), kEndTokens));
  ASSIGN_OR_RETURN(const std::string prompt_end, text_->tokenizer->Decode(end, /*skip_special=*/false));
  options.prompt_end = prompt_end;
  return MakeOutputParser(options);
}

absl::StatusOr<RequestOutput::Options> OutputForm::OutputOptions(const GenerationRequest& request,
                                                                 std::span<const int32_t> prompt) const {
  RequestOutput::Options options{.prompt_tokens = static_cast<int64_t>(prompt.size())};
  if (!request.split_output) return options;
  ASSIGN_OR_RETURN(options.parser, Parser(request, prompt));
  if (options.parser != nullptr) options.markers = markers_;
  return options;
}

absl::StatusOr<OutputGrammar> OutputForm::Grammar(const GenerationRequest& request,
                                                  std::span<const int32_t> prompt) const {
  const ToolChoice& choice = request.tool_choice;
  const bool named = choice.kind == ToolChoice::Kind::kNamed;
  if (!named && choice.kind != ToolChoice::Kind::kRequired) return request.grammar;
  if (request.grammar.kind != OutputGrammar::Kind::kNone) {
    return InvalidArgument("tool_choice asks for a tool call and grammar for another form of answer; give one of them");
  }
  ASSIGN_OR_RETURN(std::vector<ToolFunction> functions, ToolFunctions(request.tools));
  if (named) std::erase_if(functions, [&](const ToolFunction& function) { return function.name != choice.name; });
  if (functions.empty()) return InvalidArgument("tool_choice: tools have no function %s", choice.name);
  ASSIGN_OR_RETURN(const std::unique_ptr<OutputParser> parser, Parser(request, prompt));
  std::string text = CallGrammar(format_, {.functions = functions,
                                           .control_tokens = control_tokens_,
                                           .required = true,
                                           .parallel = choice.parallel,
                                           .in_reasoning = parser != nullptr && parser->in_reasoning()});
  if (text.empty()) {
    return InvalidArgument(
        "tool_choice: it is not known how this model writes tool calls; name its tool_call_parser, or use auto");
  }
  return OutputGrammar{.kind = OutputGrammar::Kind::kLark, .text = std::move(text)};
}

}  // namespace engine
