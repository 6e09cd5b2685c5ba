#include "benchmarks/request_mix.h"

namespace engine {
namespace {

struct Lengths {
  int prompt;
  int answer;
  bool shares;  // its prompt begins as others do
};

// Reading takes about as long as answering, and every fourth prompt is found in the cache for the most part.
constexpr Lengths kLengths[RequestMix::kRound] = {
    {32, 64, false},  {400, 16, true},  {120, 128, false}, {16, 96, false},   {512, 8, false}, {320, 48, true},
    {64, 128, false}, {200, 24, false}, {24, 48, false},   {450, 32, true},   {90, 80, false}, {512, 64, false},
    {40, 112, false}, {300, 16, true},  {150, 56, false},  {256, 128, false},
};

constexpr int kSharedTokens = 256;

}  // namespace

RequestMix::RequestMix(int vocab, uint64_t seed)
    : vocab_(vocab), random_(seed), shared_(random_.Next(kSharedTokens, vocab)) {}

Request RequestMix::Next() {
  const int64_t id = next_id_++;
  const Lengths& lengths = kLengths[id % kRound];
  Request request{.id = id, .params = {.ignore_eos = true}, .seed = static_cast<uint64_t>(id)};
  request.params.temperature = id % 2 == 0 ? 0.0f : 0.8f;
  request.params.max_tokens = lengths.answer;
  if (lengths.shares) request.prompt = shared_;
  const std::vector<int32_t> own = random_.Next(lengths.prompt - static_cast<int>(request.prompt.size()), vocab_);
  request.prompt.insert(request.prompt.end(), own.begin(), own.end());
  return request;
}

}  // namespace engine
