// out[i] = a[i] + b[i].
// The grid walks the elements together.
// A thread owns one element of every stride.
#include "backends/gpu/add.h"
#include "backends/gpu/port/port.h"

namespace engine::gpu {

GPU_KERNEL(add, AddArgs, kAdd.threads) {
  const int64_t stride = int64_t{GridDim()} * kAdd.threads;
  for (int64_t i = int64_t{Bid()} * kAdd.threads + Tid(); i < args.count; i += stride)
    args.out[i] = args.a[i] + args.b[i];
}

}  // namespace engine::gpu
