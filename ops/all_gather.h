// out[t] = the x[t] of every rank side by side, in their order: what tensor-parallel devices share (docs/gpu.md).
//   in: x f32[T, d]        out: f32[T, ranks * d]
// It has no reference: no device knows the result alone.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct AllGather {
  int ranks = 1;
};
const OpSchema& SchemaOf(const AllGather&);

}  // namespace engine
