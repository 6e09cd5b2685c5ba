// Matrix instructions of a warp, with the registers of its lanes as the instruction sets define them: element by element,
// and apart from backends/gpu/port/matrix_layout.h, which says the same to kernels. Warps of 32 have NVIDIA's mma.sync, and
// those of 64 AMD's MFMA.
#pragma once

#include <cstdint>
#include <span>

namespace engine::simt {

// A lane's registers.
struct MatrixRegisters {
  const uint32_t* a;
  const uint32_t* b;
  void* sums;  // int32_t or float
};

void MultiplyInt8(std::span<const MatrixRegisters> lanes);

// Add in ascending order; hardware promises none.
void MultiplyBf16(std::span<const MatrixRegisters> lanes);
void MultiplyF16(std::span<const MatrixRegisters> lanes);

}  // namespace engine::simt
