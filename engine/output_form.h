// How a model writes reasoning and tool calls, and what that means for one request.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/model_text.h"
#include "engine/request_output.h"
#include "engine/thinking_budget.h"
#include "text/output_parser/call_grammar.h"
#include "text/output_parser/output_format.h"

namespace engine {

class OutputForm {
 public:
  // By the options' names of parsers. `text` is borrowed. vocab_size: ids that the model has.
  static absl::StatusOr<OutputForm> Find(const EngineOptions& options, const ModelText& text, int vocab_size);

  // Where the answer to a prompt begins; kNone where nothing asks.
  absl::StatusOr<ReasoningStart> Start(const GenerationRequest& request, std::span<const int32_t> prompt) const;

  // How an answer is taken apart that begins there.
  absl::StatusOr<RequestOutput::Options> OutputOptions(const GenerationRequest& request, ReasoningStart start) const;

  // What ends the reasoning of a request with a thinking_token_budget; null: it has none.
  absl::StatusOr<std::unique_ptr<ThinkingBudget>> Thinking(const GenerationRequest& request,
                                                           ReasoningStart start) const;

  bool tells_reasoning() const { return format_.reasoning != nullptr || format_.harmony(); }

  // What the answer may be: the request's own grammar, or the one that keeps its tool_choice.
  absl::StatusOr<OutputGrammar> Grammar(const GenerationRequest& request, ReasoningStart start) const;

  // Why that could not be compiled, in the request's terms: of a grammar for tools no client has seen a rule.
  static absl::Status Refusal(const GenerationRequest& request, const GrammarCompiler& compiler, absl::Status refused);

 private:
  // The request's own grammar, where the answer itself begins, or calls in its place.
  OutputGrammar OwnGrammar(const GenerationRequest& request, const std::vector<ToolFunction>& functions,
                           ReasoningStart start) const;
  absl::StatusOr<std::unique_ptr<OutputParser>> Parser(const GenerationRequest& request, ReasoningStart start) const;

  // The tokens of what ends the reasoning: there are some, and the model has them.
  absl::StatusOr<std::vector<int32_t>> ThinkingEnd(ToolChoice::Kind choice) const;

  const ModelText* text_ = nullptr;
  int vocab_size_ = 0;
  OutputFormat format_;
  std::vector<int32_t> markers_;  // control tokens that are part of the format
  std::vector<ControlToken> control_tokens_;
};

}  // namespace engine
