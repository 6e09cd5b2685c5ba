// out[r] = x[r] as bf16 or q8_group.
// A block stores 1024 elements of one row.
// A thread owns one of each 256; 32 lanes have a group.
#include "backends/gpu/quantise.h"
#include "backends/gpu/store_row.h"

namespace engine::gpu {

GPU_KERNEL(quantise, QuantiseArgs, kQuantise.threads) {
  const int64_t row = Bid() / args.row_blocks;
  const int64_t begin = Bid() % args.row_blocks * kRowPartElements;
  for (int64_t i = begin + Tid(); i < begin + kRowPartElements; i += kQuantise.threads) {
    const float value = i < args.n ? args.x[row * args.n + i] : 0.0f;
    StoreElement(args.to, args.out + row * args.out_row_bytes, args.n, i, value);
  }
}

}  // namespace engine::gpu
