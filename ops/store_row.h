// Stores a row of f32 results as an op's output dtype: the definition of "rounded once" for every op that fuses it.
#pragma once

#include <cstddef>
#include <span>

#include "core/base/dtype.h"

namespace engine {

// As f32, bf16 (nearest even) or q8_group (ops/quantise.h). `row` holds the bytes of one row of that dtype; the padding
// behind a q8 row is not written.
void StoreRow(DType dtype, std::span<const float> values, std::byte* row);

// Values that share one scale, to int8 in [-127, 127] (numerics rule 4); returns the scale, NaN if a value is not finite.
float QuantiseGroup(std::span<const float> values, int8_t* q);

}  // namespace engine
