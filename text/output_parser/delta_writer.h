// Collects the pieces of an answer.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/output_parser/output_parser.h"

namespace engine {

class DeltaWriter {
 public:
  void Content(std::string_view text) { Add(OutputDelta::Kind::kContent, text, 0); }
  void Reasoning(std::string_view text) { Add(OutputDelta::Kind::kReasoning, text, 0); }
  void BeginCall(std::string_view name, std::string_view call_id) {
    deltas_.push_back({OutputDelta::Kind::kToolCallBegin, std::string(name), num_calls_++, std::string(call_id)});
  }
  // Of the call that began last.
  void Arguments(std::string_view json) { Add(OutputDelta::Kind::kToolArguments, json, num_calls_ - 1); }

  // Moves to `out` what has been collected.
  void Drain(std::vector<OutputDelta>& out) {
    for (OutputDelta& delta : deltas_) out.push_back(std::move(delta));
    deltas_.clear();
  }

 private:
  void Add(OutputDelta::Kind kind, std::string_view text, int call) {
    if (text.empty()) return;
    if (!deltas_.empty() && deltas_.back().kind == kind && deltas_.back().call == call) {
      deltas_.back().text += text;
    } else {
      deltas_.push_back({.kind = kind, .text = std::string(text), .call = call});
    }
  }

  std::vector<OutputDelta> deltas_;
  int num_calls_ = 0;
};

}  // namespace engine
