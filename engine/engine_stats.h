// What an engine does now and has done since it was created: for metrics, readiness and people.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/runtime/draft.h"

namespace engine {

// How often values fell below each bound.
class Histogram {
 public:
  // `bounds` ascend, and must outlive the histogram.
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

  void Add(double value);

  std::span<const double> bounds() const { return bounds_; }
  // Of values up to each bound and above the one before; the last is of those above all bounds.
  std::span<const int64_t> counts() const { return counts_; }
  int64_t total() const { return total_; }
  double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<int64_t> counts_;
  int64_t total_ = 0;
  double sum_ = 0;
};

// Written by the engine thread.
struct StepStats {
  StepStats();

  int running = 0;
  int waiting = 0;  // admitted by the engine, not yet by its scheduler
  int64_t kv_blocks = 0;
  int64_t kv_block_tokens = 0;   // that one block holds
  int64_t kv_blocks_in_use = 0;  // by running requests; of the fullest cache group
  int64_t steps = 0;             // that have ended
  // The step in flight, and when it began.
  bool in_step = false;
  double step_seconds = 0;
  int64_t step_sequences = 0;
  int64_t step_tokens = 0;

  int64_t preemptions = 0;
  int64_t prompt_tokens_queried = 0;  // looked for in the prefix cache
  int64_t prompt_tokens_cached = 0;   // and found there
  int64_t drafted_tokens = 0;
  int64_t accepted_tokens = 0;
  int64_t drafts = 0;                                                // guesses of some tokens together
  std::array<int64_t, Draft::kMaxTokens> accepted_by_position = {};  // of the token in its draft
  Histogram tokens_per_step;
};

// Of requests, from Submit to their last update.
struct RequestStats {
  RequestStats();

  int64_t open = 0;      // submitted and not ended
  int64_t rejected = 0;  // because the queue was full
  int64_t ended_by_stop = 0;
  int64_t ended_by_length = 0;
  int64_t cancelled = 0;
  int64_t failed = 0;
  int64_t prompt_tokens = 0;  // of requests that have got their first token
  int64_t generated_tokens = 0;

  Histogram time_to_first_token;
  Histogram inter_token_latency;
  Histogram time_per_output_token;  // of a request: its mean after the first token
  Histogram total_time;
  Histogram queue_time;    // until the scheduler admits it
  Histogram prefill_time;  // from there to the first token
  Histogram decode_time;   // from there to the last
  Histogram inference_time;
  Histogram prompt_lengths;
  Histogram computed_prompt_lengths;  // without what the prefix cache had; of those that have got a token
  Histogram generation_lengths;
  Histogram max_tokens;
};

struct EngineStats {
  StepStats step;
  RequestStats request;
};

}  // namespace engine
