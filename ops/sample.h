// Draws one token per row. Every step below is defined to the bit; ties go to the lowest id.
//   1. raw     x[i], i < vocab. A NaN, or a largest x that is not finite: id -1, everything else zero.
//   2. adjust  a = x; for each adjustment of the row whose token is below vocab: a += bias; if in_context, divided by
//              repetition_penalty when positive, else multiplied; a = fma(-frequency_penalty, output_count, a);
//              if output_count > 0, a -= presence_penalty. A bias of -inf forbids a token, and in a masked row so does
//              a cleared bit of its mask: a = -inf. If nothing is left, id -1.
//   3. greedy  temperature 0: the largest a, and done.
//   4. weigh   w = exp((a - max a) / temperature), as the integer W = trunc(w * 2^40): integer sums know no order, so
//              any device can add them as it likes. 2^40 * 2^20 ids fit in 64 bits.
//   5. top_k   keeps the k largest a (0: all). top_p: of those, by falling a, the shortest run with sum of W
//              >= trunc(top_p * sum) in double (1: all; never empty). min_p: keeps w >= min_p (the largest w is 1).
//   6. draw    the first kept id, ascending, at which the running sum of W exceeds floor(random64 * total / 2^64).
// random64 is Philox4x32-10 keyed by the seed at counter (position, choice): ops/philox.h.
// Log-probabilities are of the raw logits: (x - max x) - log(sum of exp(x - max x)), the sum a long reduction.
//   in:  logits f32[M, >= vocab], rows u8[M, sizeof(SamplingRow)], adjustments u8[capacity, sizeof(TokenAdjustment)],
//        masks u8[M, 4 * TokenMaskWords(vocab)], read in masked rows only: bit i % 32 of word i / 32 allows token i
//   out: ids i32[M], samples u8[M, sizeof(SampledToken)]
#pragma once

#include "core/kernel/op.h"
#include "ops/sampling_row.h"

namespace engine {

struct Sample {
  int vocab = 0;  // ids from here on pad the matrix and are never sampled
};
const OpSchema& SchemaOf(const Sample&);

}  // namespace engine
