#include "engine/output_form.h"

#include <algorithm>

#include "core/base/field_error.h"
#include "engine/chat_context.h"

namespace engine {

absl::StatusOr<OutputForm> OutputForm::Find(const EngineOptions& options, const ModelText& text, int vocab_size) {
  OutputForm form;
  form.text_ = &text;
  form.vocab_size_ = vocab_size;
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

absl::StatusOr<ReasoningStart> OutputForm::Start(const GenerationRequest& request,
                                                 std::span<const int32_t> prompt) const {
  const bool is_asked = request.split_output || request.thinking_token_budget || !request.tools.empty();
  if (!is_asked) return ReasoningStart::kNone;
  constexpr size_t kEndTokens = 64;  // templates that open or close reasoning do so in fewer
  const auto end = prompt.last(std::min(prompt.size(), kEndTokens));
  ASSIGN_OR_RETURN(const std::string prompt_end, text_->tokenizer->Decode(end, /*skip_special=*/false));
  const ReasoningStart start = StartOf(format_.reasoning, prompt_end, !SwitchesThinkingOff(*text_, request));
  // An answer that has begun in the prompt goes on as what it is.
  return start == ReasoningStart::kMayOpen && request.continue_final_message ? ReasoningStart::kNone : start;
}

absl::StatusOr<std::unique_ptr<OutputParser>> OutputForm::Parser(const GenerationRequest& request,
                                                                 ReasoningStart start) const {
  OutputParserOptions options{.format = format_, .start = start};
  if (request.tool_choice.kind != ToolChoice::Kind::kNone) {
    ASSIGN_OR_RETURN(options.functions, ToolFunctions(request.tools));
  }
  return MakeOutputParser(options);
}

absl::StatusOr<RequestOutput::Options> OutputForm::OutputOptions(const GenerationRequest& request,
                                                                 ReasoningStart start) const {
  RequestOutput::Options options;
  if (!request.split_output) return options;
  ASSIGN_OR_RETURN(options.parser, Parser(request, start));
  if (options.parser != nullptr) options.markers = markers_;
  return options;
}

absl::StatusOr<std::unique_ptr<ThinkingBudget>> OutputForm::Thinking(const GenerationRequest& request,
                                                                     ReasoningStart start) const {
  if (!request.thinking_token_budget) return nullptr;
  if (*request.thinking_token_budget < 0) {
    return FieldError("thinking_token_budget",
                      absl::StrFormat("is %d; it must be at least 0", *request.thinking_token_budget));
  }
  if (!tells_reasoning()) {
    return FieldError("thinking_token_budget",
                      "needs to know how this model writes reasoning; name its reasoning_parser");
  }
  ThinkingBudget::Options options{.tokens = *request.thinking_token_budget, .markers = markers_};
  if (!format_.harmony()) options.open = format_.reasoning->open;
  ASSIGN_OR_RETURN(options.end, ThinkingEnd(request.tool_choice.kind));
  ASSIGN_OR_RETURN(options.parser, Parser(request, start));
  return std::make_unique<ThinkingBudget>(*text_->tokenizer, std::move(options));
}

absl::StatusOr<std::vector<int32_t>> OutputForm::ThinkingEnd(ToolChoice::Kind choice) const {
  std::string text(format_.harmony() ? "<|end|>" : format_.reasoning->close);
  if (format_.harmony() && (choice == ToolChoice::Kind::kAuto || choice == ToolChoice::Kind::kNone)) {
    text += "<|start|>assistant<|channel|>final<|message|>";  // or the next message could be more reasoning
  }
  ASSIGN_OR_RETURN(std::vector<int32_t> ids, text_->tokenizer->Encode(text, {.parse_special = true}));
  if (ids.empty()) {
    return FieldError(
        "thinking_token_budget",
        absl::StrFormat("needs tokens for %s, which ends reasoning; the model's tokenizer has none", text));
  }
  for (const int32_t id : ids) {
    if (id < vocab_size_) continue;
    return FieldError("thinking_token_budget",
                      absl::StrFormat("needs token %d of %s, which ends reasoning; the model's are 0 to %d", id, text,
                                      vocab_size_ - 1));
  }
  return ids;
}

OutputGrammar OutputForm::OwnGrammar(const GenerationRequest& request, const std::vector<ToolFunction>& functions,
                                     ReasoningStart start) const {
  OutputGrammar grammar = request.grammar;
  if (!request.split_output) return grammar;
  // As the OpenAI API has it JSON is the form of a turn that calls nothing. Another grammar may spell calls itself.
  const bool is_json =
      grammar.kind == OutputGrammar::Kind::kJsonSchema || grammar.kind == OutputGrammar::Kind::kJsonObject;
  if (is_json && request.tool_choice.kind == ToolChoice::Kind::kAuto) {
    grammar.before = CallGrammar(format_, {.functions = functions,
                                           .control_tokens = control_tokens_,
                                           .required = true,
                                           .or_answer = true,
                                           .parallel = request.tool_choice.parallel,
                                           .start = start});
  }
  if (grammar.before.empty()) grammar.before = BeforeAnswer(format_, control_tokens_, start);
  return grammar;
}

absl::StatusOr<OutputGrammar> OutputForm::Grammar(const GenerationRequest& request, ReasoningStart start) const {
  const ToolChoice& choice = request.tool_choice;
  const bool named = choice.kind == ToolChoice::Kind::kNamed;
  const bool required = named || choice.kind == ToolChoice::Kind::kRequired;
  const bool has_grammar = request.grammar.kind != OutputGrammar::Kind::kNone;
  if (required && has_grammar) {
    return FieldError("tool_choice", "asks for a tool call and grammar for another form of answer; give one of them");
  }
  ASSIGN_OR_RETURN(std::vector<ToolFunction> functions, ToolFunctions(request.tools));
  if (!required) {
    const bool holds = std::ranges::any_of(functions, &ToolFunction::strict);
    for (ToolFunction& function : functions) {
      if (!function.strict) function.parameters.clear();
    }
    if (has_grammar) return OwnGrammar(request, functions, start);
    if (choice.kind != ToolChoice::Kind::kAuto || !holds) return OutputGrammar();
  }
  if (named) std::erase_if(functions, [&](const ToolFunction& function) { return function.name != choice.name; });
  if (functions.empty())
    return FieldError("tool_choice", absl::StrFormat("names %s, which is not one of tools", choice.name));
  std::string text = CallGrammar(format_, {.functions = functions,
                                           .control_tokens = control_tokens_,
                                           .required = required,
                                           .parallel = choice.parallel,
                                           .start = start});
  if (text.empty()) {
    return FieldError(required ? "tool_choice" : "tools",
                      absl::StrFormat("%s to know how this model writes tool calls; name its tool_call_parser%s",
                                      required ? "needs" : "with strict need", required ? ", or use auto" : ""));
  }
  return OutputGrammar{.kind = OutputGrammar::Kind::kLark, .text = std::move(text)};
}

absl::Status OutputForm::Refusal(const GenerationRequest& request, const GrammarCompiler& compiler,
                                 absl::Status refused) {
  if (request.grammar.kind != OutputGrammar::Kind::kNone) {
    const OutputGrammar own{.kind = request.grammar.kind, .text = request.grammar.text};
    if (!compiler.Compile(own).ok()) return About("grammar", refused);
  }
  const ToolChoice& choice = request.tool_choice;
  ASSIGN_OR_RETURN(const std::vector<ToolFunction> functions, ToolFunctions(request.tools));
  for (size_t i = 0; i < functions.size(); ++i) {
    const ToolFunction& function = functions[i];
    const bool may_be_called = choice.kind != ToolChoice::Kind::kNamed || function.name == choice.name;
    const bool is_held = choice.kind != ToolChoice::Kind::kAuto || function.strict;
    if (!may_be_called || !is_held || function.parameters.empty()) continue;
    const OutputGrammar schema{.kind = OutputGrammar::Kind::kJsonSchema, .text = function.parameters};
    const absl::Status alone = compiler.Compile(schema).status();
    if (alone.ok()) continue;
    return About(absl::StrFormat("tools[%d].function.parameters", i),
                 InvalidArgument("the parameters of tool %s: %s", function.name, Message(alone)));
  }
  return About("tools", refused);
}

}  // namespace engine
