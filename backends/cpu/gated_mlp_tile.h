// The end of gated_mlp: act(gate) * up, stored as the output's dtype.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/dtype.h"

namespace engine::cpu {

// 32 columns of a tile, as two panels computed them.
struct GatedColumns {
  const float* gate[2];  // [rows][16] per panel
  const float* up[2];
  int rows;
  DType out;            // f32, bf16 or q8_group
  std::byte* y;         // the tile's first row
  int64_t y_row_bytes;  // to the next
  int64_t n;            // columns of y
  int64_t column;       // the first of the 32; only those below n are stored
};

struct GatedCode {
  void (*silu)(const GatedColumns& columns);
  void (*gelu_tanh)(const GatedColumns& columns);
};

namespace portable {
extern const GatedCode kGated;
}
namespace avx2 {
extern const GatedCode kGated;
}
namespace avx512 {
extern const GatedCode kGated;
}

}  // namespace engine::cpu
