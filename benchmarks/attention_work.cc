#include "benchmarks/attention_work.h"

#include <algorithm>

#include "ops/kv_layout.h"

namespace engine {

Cost AttentionWork(const PagedAttention& attention, const TensorSpec& cache, int64_t first_position,
                   int64_t num_tokens) {
  const int64_t context = first_position + num_tokens;
  int64_t visible = 0;
  for (int64_t position = first_position; position < context; ++position) {
    visible += attention.window > 0 ? std::min<int64_t>(attention.window, position + 1) : position + 1;
  }
  const int64_t read = attention.window > 0 ? std::min<int64_t>(attention.window + num_tokens - 1, context) : context;
  return {.bytes = read * (cache.row_bytes() / kKvBlockTokens),
          .operations = 4 * int64_t{attention.heads} * attention.head_dim * visible};
}

}  // namespace engine
