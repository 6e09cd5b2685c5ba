// Sums and maxima over lanes and blocks, in the order that docs/numerics.md gives them. Called by every thread of the block.
#pragma once

#include "backends/gpu/long_sum_shared.h"
#include "backends/gpu/port/port.h"

namespace engine::gpu {

// Over aligned groups of kLanes lanes, the same value in each: halves that are kLanes / 2 apart, then kLanes / 4, … 1.
template <int kLanes, typename T>
GPU_FN T GroupSum(T value) {
  static_assert(kLanes <= 32 && (kLanes & (kLanes - 1)) == 0);
  for (int mask = kLanes / 2; mask > 0; mask /= 2) value += ShflXor(value, mask);
  return value;
}

template <int kLanes, typename T>
GPU_FN T GroupMax(T value) {
  static_assert(kLanes <= 32 && (kLanes & (kLanes - 1)) == 0);
  for (int mask = kLanes / 2; mask > 0; mask /= 2) {
    const T other = ShflXor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

// The total of a long sum whose 256 partials the 256 threads hold (numerics rule 2), in every thread. `shared` may be used
// again after the next SyncBlock. Partials that are
// at least a warp apart meet in shared memory, the others in the first warp's registers.
GPU_FN float LongSumTotal(float partial, LongSumShared& shared) {
  const int i = Tid();
  shared.partials[i] = partial;
  SyncBlock();
  for (int half = kLongSumPartials / 2; half >= kWarp; half /= 2) {
    if (i < half) shared.partials[i] += shared.partials[i + half];
    SyncBlock();
  }
  float sum = shared.partials[i % kWarp];
  for (int half = kWarp / 2; half > 0; half /= 2) sum += ShflDown(sum, half);
  // Lane 0 of every warp now has the total: all of them added the same partials.
  return Shfl(sum, 0);
}

}  // namespace engine::gpu
