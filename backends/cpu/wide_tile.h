// A tile of tokens times one panel of 64 outputs (backends/cpu/wide_layout.h), in chunks of k that the caller chooses: the
// decode and small-batch half of a product whose other half is a library's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/cpu/panel_tile.h"

namespace engine::cpu {

struct WideTile {
  const std::byte* panel;
  const std::byte* activations;         // plain units, [units][tokens] (backends/cpu/panel_tile.h)
  std::span<const int64_t> chunk_ends;  // in units, ascending; the last is all of k. The sum restarts at +0 after each
  float* out;                           // [tokens][64]
};

// Numerics rule 3 over the given chunks; one function per kTileTokens. For bf16 and f32 weights.
struct WideTileCode {
  void (*run[kNumTileSizes])(const WideTile& tile);
};

namespace portable {
WideTileCode WideTileCodeOf(DType weight);
}
namespace avx2 {
WideTileCode WideTileCodeOf(DType weight);
}
namespace avx512 {
WideTileCode WideTileCodeOf(DType weight);
}

}  // namespace engine::cpu
