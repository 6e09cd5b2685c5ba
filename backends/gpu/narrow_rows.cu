// out[r] = x[r] / scales[r] as f16, scales[r] a power of two.
// A block has one row.
// A thread owns one element of each 256.
#include <bit>

#include "backends/gpu/narrow_rows.h"
#include "backends/gpu/store_row.h"

namespace engine::gpu {
namespace {

// The largest exponent of an f16 with room for a carry, and what bits of f32 call 2^0.
constexpr int kLargestExponent = 14;
constexpr int kBias = 127;

GPU_FN float PowerOfTwo(int exponent) { return std::bit_cast<float>(static_cast<uint32_t>(exponent + kBias) << 23); }

GPU_FN uint32_t Larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

GPU_FN uint32_t LargestOfBlock(uint32_t largest, NarrowRowsShared& shared) {
  largest = GroupMax<32>(largest);
  if (Tid() % 32 == 0) shared.largest[Tid() / 32] = largest;
  SyncBlock();
  for (const uint32_t other : shared.largest) largest = Larger(other, largest);
  return largest;
}

}  // namespace

GPU_KERNEL(narrow_rows, NarrowRowsArgs, kNarrowRows.threads) {
  GPU_SHARED(NarrowRowsShared, shared);
  const float* const x = args.x + int64_t{Bid()} * args.k;
  uint32_t largest = 0;
  for (int64_t i = Tid(); i < args.k; i += kNarrowRows.threads) largest = Larger(MagnitudeBits(x[i]), largest);
  largest = LargestOfBlock(largest, shared);
  // Of rows so small that the inverse would be no number, that of the smallest others.
  constexpr int kSmallest = kLargestExponent + 1 - kBias;
  const int of_row = static_cast<int>(largest >> 23) - kBias;
  const int exponent = (of_row > kSmallest ? of_row : kSmallest) - kLargestExponent;
  const float inverse = PowerOfTwo(-exponent);
  uint16_t* const out = args.out + int64_t{Bid()} * args.k;
  for (int64_t i = Tid(); i < args.k; i += kNarrowRows.threads) out[i] = F32ToF16(x[i] * inverse);
  if (Tid() == 0) args.scales[Bid()] = PowerOfTwo(exponent);
}

}  // namespace engine::gpu
