#include "engine/engine_stats.h"

#include <algorithm>

namespace engine {
namespace {

// The buckets of vLLM's histograms of the same meaning, so that dashboards made for them show ours.
constexpr double kFirstToken[] = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                                  1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
constexpr double kPerToken[] = {.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80};
constexpr double kWholeRequest[] = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                    30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
constexpr double kStepTokens[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
constexpr double kLengths[] = {1,    2,    5,     10,    20,    50,     100,    200,    500,    1000,
                               2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000};

}  // namespace

void Histogram::Add(double value) {
  ++counts_[std::ranges::lower_bound(bounds_, value) - bounds_.begin()];
  ++total_;
  sum_ += value;
}

StepStats::StepStats() : tokens_per_step(kStepTokens) {}

RequestStats::RequestStats()
    : time_to_first_token(kFirstToken),
      inter_token_latency(kPerToken),
      time_per_output_token(kPerToken),
      total_time(kWholeRequest),
      queue_time(kWholeRequest),
      prefill_time(kWholeRequest),
      decode_time(kWholeRequest),
      inference_time(kWholeRequest),
      prompt_lengths(kLengths),
      computed_prompt_lengths(kLengths),
      generation_lengths(kLengths),
      max_tokens(kLengths) {}

}  // namespace engine
