// Device code: results as an op's output dtype, which ops/store_row.h defines.
#pragma once

#include <cstddef>
#include <limits>

#include "backends/gpu/port/collectives.h"
#include "core/base/bf16.h"
#include "core/base/dtype.h"
#include "core/base/math.h"
#include "core/tensor/q8_row.h"

namespace engine::gpu {

// Sign cleared: the bits of finite numbers are ordered like the numbers, below those of infinity and NaN.
GPU_FN uint32_t MagnitudeBits(float x) { return std::bit_cast<uint32_t>(x) & 0x7fffffffu; }

// Of values whose largest magnitude has these bits; NaN if one of them is not finite.
GPU_FN float Int8Scale(uint32_t largest_bits) {
  return largest_bits < 0x7f800000u ? std::bit_cast<float>(largest_bits) / 127.0f
                                    : std::numeric_limits<float>::quiet_NaN();
}

// 0 without a scale. A denormal scale is coarse, so the quotient may be well beyond 127.
GPU_FN int8_t QuantisedInt8(float x, float scale) {
  return scale > 0.0f ? static_cast<int8_t>(Max(-127.0f, Min(127.0f, Round(x / scale)))) : int8_t{0};
}

// `values` of 32 lanes from a multiple of 32 on; n is one, too.
GPU_FN void StoreQ8(std::byte* row, int64_t n, int64_t i, float value) {
  const float scale = Int8Scale(GroupMax<kActivationGroup>(i < n ? MagnitudeBits(value) : 0));
  const int8_t q = QuantisedInt8(value, scale);
  const int sum = GroupSum<kSumGroup>(static_cast<int>(q));
  if (i >= n) return;
  reinterpret_cast<int8_t*>(row)[i] = q;
  if (i % kActivationGroup == 0) reinterpret_cast<float*>(row + Q8ScalesOffset(n))[i / kActivationGroup] = scale;
  if (i % kSumGroup == 0) reinterpret_cast<int16_t*>(row + Q8SumsOffset(n))[i / kSumGroup] = static_cast<int16_t>(sum);
}

// Element i of a row of n as f32, bf16 or q8_group. Every lane of the warp calls with its neighbour's successor; nothing
// is stored from n on.
GPU_FN void StoreElement(DType dtype, std::byte* row, int64_t n, int64_t i, float value) {
  if (dtype == DType::kQ8Group) {
    StoreQ8(row, n, i, value);
  } else if (i < n && dtype == DType::kBF16) {
    reinterpret_cast<uint16_t*>(row)[i] = F32ToBf16(value);
  } else if (i < n) {
    reinterpret_cast<float*>(row)[i] = value;
  }
}

}  // namespace engine::gpu
