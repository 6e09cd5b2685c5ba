// One request's tokens on their way to its caller: decoded, searched for stop strings, handed over.
#pragma once

#include "engine/engine.h"
#include "engine/engine_loop.h"
#include "engine/output_splitter.h"
#include "text/incremental_decoder.h"
#include "text/stop_matcher.h"

namespace engine {

class RequestOutput {
 public:
  struct Options {
    int64_t prompt_tokens = 0;
    std::unique_ptr<OutputParser> parser;  // null: all text is content
    std::vector<int32_t> markers;          // control tokens that the parser reads
  };
  RequestOutput(const Tokenizer& tokenizer, const GenerationRequest& request, Options options,
                UpdateCallback on_update);

  // Calls on_update with what the event adds. A stop string, or one call more than there may be, ends the output before
  // the engine knows: then this returns true once, and the caller ends the request there.
  bool Apply(const TokenEvent& event);

  // Ends the output, whatever it has seen; without effect once it has ended.
  void End(Finish finish, absl::Status error = absl::OkStatus());

  bool ended() const { return ended_; }

 private:
  absl::Status AddToken(const TokenEvent& event, GenerationUpdate& update);
  void Send(GenerationUpdate update);

  IncrementalDecoder decoder_;
  StopMatcher matcher_;
  OutputSplitter splitter_;
  const bool include_stop_;
  const bool wants_logprobs_;
  const int min_tokens_;
  const int64_t prompt_tokens_;
  int num_tokens_ = 0;
  UpdateCallback on_update_;
  bool ended_ = false;
};

}  // namespace engine
