// Rows of a table, one per token.
//   out[t] = dequantise(table[id]) * scale, where id = tokens[t], or previous[-1 - tokens[t]] when tokens[t] is
//   negative: a token that the previous step sampled and the host has not read yet.
//
//   in: tokens i32[T], table [vocab, d] of any weight dtype, previous i32[M]
//
//   out: f32[T, d]
//
// Ids outside the table are a bug of the caller, except -1 in `previous` (a failed sample): its row is zeros.
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct Embedding {
  float scale = 1.0f;
};
const OpSchema& SchemaOf(const Embedding&);

}  // namespace engine
