// Stores a row of f32 results as an op's output dtype: the definition of "rounded once" for every op that fuses it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/base/dtype.h"
#include "core/kernel/op.h"

namespace engine {

// As f32, bf16 (nearest even) or q8_group (ops/quantise.h). `row` holds the bytes of one row of that dtype; the padding
// behind a q8 row is not written.
void StoreRow(DType dtype, std::span<const float> values, std::byte* row);

// OpSchema::with_output_dtype of an op that stores its one output as `out`.
template <typename Op>
std::optional<OpRef> StoringAs(const OpRef& op, int /*index*/, DType dtype) {
  Op changed = op.as<Op>();
  changed.out = dtype;
  return OpRef(op.schema(), changed);
}

// Values that share one scale, to int8 in [-127, 127] (numerics rule 4); returns the scale, NaN if a value is not finite.
float QuantiseGroup(std::span<const float> values, int8_t* q);

}  // namespace engine
