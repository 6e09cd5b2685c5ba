// Packs weights into a device's layouts, all of them on all threads.
#pragma once

#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/device/device.h"
#include "core/kernel/weight_layout.h"
#include "core/weights/int4_tensor.h"
#include "core/weights/weight_spec.h"

namespace engine {

// Called now and then while weights are packed, from one thread: bytes read so far and in all.
using LoadProgress = std::function<void(int64_t done_bytes, int64_t total_bytes)>;

// One weight on its way: rows in the order the graph wants, and where they go.
struct PackJob {
  const WeightSpec* spec;
  const WeightLayout* layout;
  DType stored;                            // in the checkpoint; differs from spec->dtype for vectors converted to f32
  int64_t first_row = 0;                   // of the tensor, where this is a slice of it
  std::vector<const std::byte*> rows;      // spec->n; set while they are packed where `from` or `int4` is
  const WeightLayout* from = nullptr;      // the layout of `packed`, which gives the rows
  std::span<const std::byte> packed = {};  // borrowed from a packed file
  const Int4Tensor* int4 = nullptr;        // gives the rows; borrowed from the checkpoint
  std::byte* out = nullptr;
};

// Of the memory that it takes at `out`.
int64_t PackedBytes(const PackJob& job);

void PackAll(std::vector<PackJob> jobs, ThreadTeam& team, const LoadProgress& progress);

// The same for a device whose memory the host cannot write, where `out` lies: packs beside it and copies. The jobs' places
// follow each other as CacheLines of their weights.
absl::Status PackAndUpload(std::vector<PackJob> jobs, Device& device, ThreadTeam& team, const LoadProgress& progress);

}  // namespace engine
