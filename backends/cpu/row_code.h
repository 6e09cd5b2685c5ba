// Choosing the row arithmetic of an instruction set, and the shapes it takes.
#pragma once

#include "backends/cpu/row_arithmetic.h"
#include "backends/cpu/vector_entries.h"

namespace engine::cpu {

inline const RowCode& RowCodeFor(Isa isa) { return CodeFor(isa, portable::kRows, avx2::kRows, avx512::kRows); }

// Heads fit the kernel's buffer.
absl::Status RequireHeadDim(int64_t head_dim);

}  // namespace engine::cpu
