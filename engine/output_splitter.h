// Tells reasoning and tool calls from an answer's text as it arrives.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "text/output_parser/output_parser.h"

namespace engine {

class OutputSplitter {
 public:
  // Without a parser all text is content. first_call_only: later calls are left out.
  OutputSplitter(std::unique_ptr<OutputParser> parser, bool first_call_only)
      : parser_(std::move(parser)), first_call_only_(first_call_only) {}

  // Moves what of the update's text is not content to where it belongs. The text of the last update ends the answer.
  void Split(GenerationUpdate& update);

 private:
  std::unique_ptr<OutputParser> parser_;  // null: nothing to tell apart
  const bool first_call_only_;
  std::vector<OutputDelta> deltas_;  // of one update
  int64_t reasoning_tokens_ = 0;
};

}  // namespace engine
