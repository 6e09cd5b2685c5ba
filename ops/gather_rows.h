// out[m] = x[rows[m]]: the rows that need logits.
//   in: x f32[T, d], rows i32[M]        out: f32[M, d]
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct GatherRows {};
const OpSchema& SchemaOf(const GatherRows&);

}  // namespace engine
