// Requests as a busy server gets them: prompts and answers of very different lengths, some with a beginning that others
// have too, greedy ones and sampled ones.
#pragma once

#include <vector>

#include "benchmarks/random_tokens.h"
#include "core/runtime/sequence.h"

namespace engine {

class RequestMix {
 public:
  static constexpr int kLongestPrompt = 512;
  static constexpr int kLongestAnswer = 128;
  static constexpr int kRound = 16;  // requests after which all lengths have come once

  RequestMix(int vocab, uint64_t seed);

  // The same lengths round after round, so that each has the same work; other tokens every time.
  Request Next();

  int64_t rounds() const { return next_id_ / kRound; }  // that are complete

 private:
  int vocab_;
  RandomTokens random_;
  std::vector<int32_t> shared_;  // the common beginning
  int64_t next_id_ = 0;
};

}  // namespace engine
