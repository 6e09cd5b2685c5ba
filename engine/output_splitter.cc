#include "engine/output_splitter.h"

#include <utility>

namespace engine {
namespace {

void Add(OutputDelta delta, GenerationUpdate& update) {
  switch (delta.kind) {
    case OutputDelta::Kind::kContent:
      update.text += delta.text;
      return;
    case OutputDelta::Kind::kReasoning:
      update.reasoning += delta.text;
      return;
    case OutputDelta::Kind::kToolCallBegin:
      update.tool_calls.push_back(
          {.index = delta.call, .piece = {.id = std::move(delta.call_id), .name = std::move(delta.text)}});
      return;
    case OutputDelta::Kind::kToolArguments:
      if (update.tool_calls.empty() || update.tool_calls.back().index != delta.call) {
        update.tool_calls.push_back({.index = delta.call});
      }
      update.tool_calls.back().piece.arguments += delta.text;
      return;
  }
}

}  // namespace

void OutputSplitter::Split(GenerationUpdate& update) {
  if (parser_ == nullptr) return;
  // A token that ends reasoning belongs to it.
  if (parser_->in_reasoning()) reasoning_tokens_ += static_cast<int64_t>(update.tokens.size());
  update.reasoning_tokens = reasoning_tokens_;
  deltas_.clear();
  parser_->Push(std::exchange(update.text, {}), deltas_);
  if (update.finish != Finish::kNone) parser_->Finish(deltas_);
  for (OutputDelta& delta : deltas_) {
    if (one_call_ && delta.call > 0) {
      if (update.finish == Finish::kNone || update.finish == Finish::kLength) update.finish = Finish::kStop;
      return;
    }
    Add(std::move(delta), update);
  }
}

}  // namespace engine
