// What attention over a paged cache must read and compute: exactly what each sequence sees. The schema's cost knows the
// longest sequence only.
#pragma once

#include "core/kernel/op.h"
#include "ops/paged_attention.h"

namespace engine {

// Keys and values read, and dot products of visible positions, for the `num_tokens` tokens of one sequence that follow
// its first `first_position` ones.
Cost AttentionWork(const PagedAttention& attention, const TensorSpec& cache, int64_t first_position,
                   int64_t num_tokens);

}  // namespace engine
