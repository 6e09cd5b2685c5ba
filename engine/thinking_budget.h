// Ends an answer's reasoning after so many tokens, by forcing the text that ends it. Belongs to the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/runtime/draft.h"
#include "text/incremental_decoder.h"
#include "text/output_parser/output_parser.h"

namespace engine {

class ThinkingBudget {
 public:
  struct Options {
    int tokens = 0;                        // of reasoning, all of an answer's together
    std::vector<int32_t> end;              // what ends it
    std::string open;                      // what begins it; empty: anything may
    std::unique_ptr<OutputParser> parser;  // behind the prompt
    std::vector<int32_t> markers;          // control tokens that the parser reads
  };
  ThinkingBudget(const Tokenizer& tokenizer, Options options);

  // Goes on behind a token of the answer.
  void Follow(int32_t token);

  // The token that must follow, as soon as it may; none: any may. Behind a token of a draft that was cut any may.
  std::optional<int32_t> forced() const;

  // Shortens a draft where a row behind it might have to end the reasoning: only what is known decides that.
  void Cut(Draft& draft) const;

 private:
  bool is_used_up() const { return num_tokens_ >= options_.tokens; }
  bool MayOpen(int32_t token) const;

  const Tokenizer& tokenizer_;
  Options options_;
  IncrementalDecoder decoder_;
  std::vector<OutputDelta> deltas_;  // of no interest
  int64_t num_tokens_ = 0;           // of reasoning so far, but for what was forced
  size_t num_forced_ = 0;            // tokens of options_.end that have been forced, while more of them must be
};

}  // namespace engine
