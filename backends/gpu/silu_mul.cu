// out[r] = act(gate[r]) * up[r].
// A block stores 1024 elements of one row.
// A thread owns one of each 256.
#include "backends/gpu/silu_mul.h"
#include "backends/gpu/store_row.h"

namespace engine::gpu {

GPU_KERNEL(silu_mul, SiluMulArgs, kSiluMul.threads) {
  const int64_t row = Bid() / args.row_blocks;
  const int64_t begin = Bid() % args.row_blocks * kRowPartElements;
  for (int64_t i = begin + Tid(); i < begin + kRowPartElements; i += kSiluMul.threads) {
    const int64_t at = row * args.n + i;
    const float value = i < args.n ? Activate(args.activation, args.gate[at]) * args.up[at] : 0.0f;
    StoreElement(args.out_dtype, args.out + row * args.out_row_bytes, args.n, i, value);
  }
}

}  // namespace engine::gpu
