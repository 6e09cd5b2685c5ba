// Tells reasoning and tool calls from an answer's text as it arrives.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "text/output_parser/output_parser.h"

namespace engine {

class OutputSplitter {
 public:
  // Without a parser all text is content. one_call: a second call ends the answer before it.
  OutputSplitter(std::unique_ptr<OutputParser> parser, bool one_call)
      : parser_(std::move(parser)), one_call_(one_call) {}

  // Moves what of the update's text is not content to where it belongs. The text of the last update ends the answer;
  // where the answer ends by itself, the update becomes the last one.
  void Split(GenerationUpdate& update);

 private:
  std::unique_ptr<OutputParser> parser_;  // null: nothing to tell apart
  const bool one_call_;
  std::vector<OutputDelta> deltas_;  // of one update
  int64_t reasoning_tokens_ = 0;
};

}  // namespace engine
