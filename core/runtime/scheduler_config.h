// The limits of a scheduler, fixed when the engine starts.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/status.h"

namespace engine {

struct SchedulerConfig {
  int max_num_seqs = 64;              // sequences that run at once
  int max_num_batched_tokens = 2048;  // tokens of one step
  int max_model_len = 4096;           // tokens of one sequence, prompt and output
  int max_sampled = 64;               // rows of logits of one step, prompt log-probs included
  int max_steps_in_flight = 1;        // submitted and not yet committed; a step's inputs reach back one step at most
  bool enable_prefix_caching = true;
  float prefill_share = 1;  // of the time of a step that sequences decode in, for prompts (prompt_pace.h); 1: no limit
  std::vector<int32_t> eos_token_ids;

  absl::Status Validate() const;
};

}  // namespace engine
