#include "core/runtime/scheduler_config.h"

namespace engine {

absl::Status SchedulerConfig::Validate() const {
  if (max_num_seqs < 1) return InvalidArgument("max_num_seqs is %d; it must be at least 1", max_num_seqs);
  if (max_num_batched_tokens < max_num_seqs) {
    return InvalidArgument("max_num_batched_tokens is %d; each of max_num_seqs = %d sequences decodes a token per step",
                           max_num_batched_tokens, max_num_seqs);
  }
  if (max_sampled < max_num_seqs) {
    return InvalidArgument("max_sampled is %d; each of max_num_seqs = %d sequences samples a token per step",
                           max_sampled, max_num_seqs);
  }
  if (max_model_len < 2) {
    return InvalidArgument("max_model_len is %d; it must hold a prompt token and a new one", max_model_len);
  }
  if (max_steps_in_flight < 1 || max_steps_in_flight > 2) {
    return InvalidArgument("max_steps_in_flight is %d; it must be 1, or 2 where a step is prepared while another runs",
                           max_steps_in_flight);
  }
  if (!(prefill_share > 0 && prefill_share <= 1)) {
    return InvalidArgument("prefill_share is %g; it must lie in (0, 1]: of a step's time, where 1 sets no limit",
                           prefill_share);
  }
  return absl::OkStatus();
}

}  // namespace engine
