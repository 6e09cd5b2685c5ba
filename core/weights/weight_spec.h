// Which checkpoint tensor a weight of the graph comes from, and what is done to it on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "core/base/dtype.h"

namespace engine {

struct WeightSpec {
  std::string name;           // of the graph's weight value
  std::string source;         // tensor in the checkpoint; empty for computed weights
  DType dtype = DType::kF32;  // as the graph uses it: the checkpoint's own, or f32 for vectors
  int64_t n = 1, k = 0;       // rows and row length; vectors have n = 1

  // Rows of each head were stored as (0, h/2, 1, h/2 + 1, …), as GGUF does for llama; read them back in half-split
  // order. 0: as stored. The value is the head's row count h.
  int64_t interleaved_head_rows = 0;

  // Slices of n rows that the tensor has, in order, of which each tensor-parallel device holds one: as many neighbours the
  // same as there are more devices than slices. 1: each holds all of it.
  int slices = 1;
  // Fills rows of a weight that no checkpoint holds (RoPE tables), from `first_row` on; several threads share the rows.
  std::function<void(int64_t first_row, std::span<float> rows)> compute;
};

}  // namespace engine
