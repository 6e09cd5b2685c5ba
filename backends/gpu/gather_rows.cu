// out[m] = x[rows[m]].
// A block has one row.
// A thread owns every 256th element.
#include "backends/gpu/gather_rows.h"
#include "backends/gpu/port/port.h"

namespace engine::gpu {

GPU_KERNEL(gather_rows, GatherRowsArgs, kGatherRows.threads) {
  const float* x = args.x + args.rows[Bid()] * args.d;
  for (int64_t i = Tid(); i < args.d; i += kGatherRows.threads) args.out[Bid() * args.d + i] = x[i];
}

}  // namespace engine::gpu
