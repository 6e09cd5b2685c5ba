// What the numbers of a tensor mean: plain element types, the block formats of checkpoints, and quantised activations.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace engine {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kI32,
  kI8,
  kU8,
  kW8,  // int8 weights whose rows have their scales in a vector of their own
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
  // Integers of 4 bits with a scale and an integer zero point per 32, 64 or 128; the scale is f16, or bf16.
  kW4G32,
  kW4G64,
  kW4G128,
  kW4G32Bf16,
  kW4G64Bf16,
  kW4G128Bf16,
  kQ8Group,  // activations: int8 values, one f32 scale per 32, sums per 16 (core/tensor/q8_row.h)
};

struct DTypeInfo {
  std::string_view name;  // as users write it: "q4_0", "bf16"
  int block_values;       // values that share one block; 1 for plain types
  int block_bytes;        // bytes of one block in a checkpoint; 0 for kQ8Group, whose rows q8_row.h lays out
};

const DTypeInfo& Info(DType dtype);
inline std::string_view Name(DType dtype) { return Info(dtype).name; }

// Bytes of one row of `num_values` in checkpoint order. num_values must be a multiple of the block.
inline int64_t RowBytes(DType dtype, int64_t num_values) {
  return num_values / Info(dtype).block_values * Info(dtype).block_bytes;
}

// Weights in these formats are multiplied by int8 activations (docs/numerics.md, rule 4).
bool IsBlockQuantised(DType dtype);

constexpr bool IsW4(DType dtype) { return dtype >= DType::kW4G32 && dtype <= DType::kW4G128Bf16; }

std::optional<DType> ParseDType(std::string_view name);

}  // namespace engine
