// Small kernels, each correct and with one bug: what the SIMT device must find. planted_bugs_test.cc says which layer finds
// each.
#include "backends/gpu/port/collectives.h"
#include "tests/unit/gpu/planted_bugs.h"

namespace engine::gpu {

constexpr int kThreads = 256;

// Of a thread in the grid.
GPU_FN int Index() { return Bid() * kThreads + Tid(); }

struct Tile {
  float values[kThreads];
  float other[kThreads];
};

enum class Bug {
  kNone,
  kNoBarrier,
  kNoBarrierBeforeReuse,
  kBarrierInBranch,
  kBarriersOfTwoLines,
  kReturnBeforeBarrier,
  kSharedOverrun,
  kSharedUnderrun,
  kUnwrittenShared,
};

// out[i] = x[i] of the other half of the block, plus x[255 - i].
template <Bug kBug>
GPU_FN void Swap(const BugArgs& args) {
  GPU_SHARED(Tile, tile);
  const int i = Tid();
  const float* x = args.x + Bid() * kThreads;
  if constexpr (kBug == Bug::kReturnBeforeBarrier) {
    if (i == 200) return;
  }
  int at = i;
  if (kBug == Bug::kSharedOverrun && i == 255) at = 2 * kThreads;
  if (kBug == Bug::kSharedUnderrun && i == 0) at = -1;
  if (kBug != Bug::kUnwrittenShared || i != 77) tile.values[at] = x[i];
  if constexpr (kBug == Bug::kBarrierInBranch) {
    if (i < 128) SyncBlock();
  } else if constexpr (kBug == Bug::kBarriersOfTwoLines) {
    if (i < 128) {
      SyncBlock();
    } else {
      SyncBlock();
    }
  } else if constexpr (kBug != Bug::kNoBarrier) {
    SyncBlock();
  }
  // NaN-proof, as a maximum is: what nobody wrote must be found without the help of a wrong result.
  float sum = tile.values[(i + 128) % kThreads];
  sum = sum > -1.0f ? sum : -1.0f;
  if constexpr (kBug != Bug::kNoBarrierBeforeReuse) SyncBlock();
  tile.values[i] = x[kThreads - 1 - i];
  args.out[Index()] = sum + tile.values[i];
}

GPU_KERNEL(swap_correct, BugArgs, kThreads) { Swap<Bug::kNone>(args); }
GPU_KERNEL(swap_no_barrier, BugArgs, kThreads) { Swap<Bug::kNoBarrier>(args); }
GPU_KERNEL(swap_no_barrier_before_reuse, BugArgs, kThreads) { Swap<Bug::kNoBarrierBeforeReuse>(args); }
GPU_KERNEL(swap_barrier_in_branch, BugArgs, kThreads) { Swap<Bug::kBarrierInBranch>(args); }
GPU_KERNEL(swap_barriers_of_two_lines, BugArgs, kThreads) { Swap<Bug::kBarriersOfTwoLines>(args); }
GPU_KERNEL(swap_return_before_barrier, BugArgs, kThreads) { Swap<Bug::kReturnBeforeBarrier>(args); }
GPU_KERNEL(swap_shared_overrun, BugArgs, kThreads) { Swap<Bug::kSharedOverrun>(args); }
GPU_KERNEL(swap_shared_underrun, BugArgs, kThreads) { Swap<Bug::kSharedUnderrun>(args); }
GPU_KERNEL(swap_unwritten_shared, BugArgs, kThreads) { Swap<Bug::kUnwrittenShared>(args); }

// out[i] = sum of x over the warp.
GPU_KERNEL(sum_correct, BugArgs, kThreads) {
  float sum = args.x[Index()];
  for (int mask = kWarp / 2; mask > 0; mask /= 2) sum += ShflXor(sum, mask);
  args.out[Index()] = sum;
}
GPU_KERNEL(sum_of_half_a_warp, BugArgs, kThreads) {
  float sum = args.x[Index()];
  if (LaneId() < 16) {
    for (int mask = 8; mask > 0; mask /= 2) sum += ShflXor(sum, mask);
  }
  args.out[Index()] = sum;
}
GPU_KERNEL(sum_for_32_lanes_only, BugArgs, kThreads) {
  float sum = args.x[Index()];
  for (int mask = 16; mask > 0; mask /= 2) sum += ShflXor(sum, mask);
  args.out[Index()] = sum;
}
GPU_KERNEL(sum_in_two_branches, BugArgs, kThreads) {
  float sum = args.x[Index()];
  if (LaneId() < 16) {
    sum += ShflXor(sum, 1);
  } else {
    sum += ShflDown(sum, 1);
  }
  args.out[Index()] = sum;
}
GPU_KERNEL(shuffle_beyond_the_warp, BugArgs, kThreads) { args.out[Index()] = Shfl(args.x[Index()], kWarp); }

// out[i] = x of the neighbour, through shared memory.
GPU_KERNEL(neighbour_correct, BugArgs, kThreads) {
  GPU_SHARED(Tile, tile);
  tile.values[Tid()] = args.x[Index()];
  SyncWarp();
  args.out[Index()] = tile.values[Tid() ^ 1];
}
GPU_KERNEL(neighbour_no_warp_barrier, BugArgs, kThreads) {
  GPU_SHARED(Tile, tile);
  tile.values[Tid()] = args.x[Index()];
  args.out[Index()] = tile.values[Tid() ^ 1];
}
GPU_KERNEL(neighbour_in_another_warp, BugArgs, kThreads) {
  GPU_SHARED(Tile, tile);
  tile.values[Tid()] = args.x[Index()];
  SyncWarp();
  args.out[Index()] = tile.values[Tid() ^ 64];
}

// out[i] = x[i] by asynchronous copies of 16 bytes, in two stages.
template <int kLast>
GPU_FN void CopyInStages(const BugArgs& args, bool waits_for_last) {
  GPU_SHARED(Tile, tile);
  const int i = Tid();
  CpAsync16(&tile.values[4 * i], &args.x[4 * i]);
  CpAsyncCommit();
  CpAsync16(&tile.other[4 * i], &args.y[4 * i]);
  CpAsyncCommit();
  CpAsyncWait<kLast>();
  const float first = tile.values[4 * i];
  if (waits_for_last) CpAsyncWait<0>();
  args.out[Index()] = first + (waits_for_last ? tile.other[4 * i] : 0.0f);
}
GPU_KERNEL(copy_correct, BugArgs, 64) { CopyInStages<1>(args, true); }
GPU_KERNEL(copy_waits_for_too_few, BugArgs, 64) { CopyInStages<2>(args, true); }
GPU_KERNEL(copy_never_waited_for, BugArgs, 64) { CopyInStages<1>(args, false); }

// counts[0] += 256 for every block.
GPU_KERNEL(count_correct, BugArgs, kThreads) { AtomicAdd(args.counts, 1u); }
GPU_KERNEL(count_plain, BugArgs, kThreads) {
  if (Tid() == 0) *args.counts += kThreads;
}
GPU_KERNEL(count_mixed, BugArgs, kThreads) {
  AtomicAdd(args.counts, 1u);
  if (Tid() == 0 && Bid() == 0) *args.counts = 0;
}

// out[i] = x[i] by way of columns of shared memory, whose rows have kWidth words.
template <int kWidth>
GPU_FN void GoThroughColumns(const BugArgs& args) {
  struct Rows {
    float values[32 * kWidth];
  };
  GPU_SHARED(Rows, rows);
  float& value = rows.values[Tid() % 32 * kWidth + Tid() / 32];
  value = args.x[Index()];
  args.out[Index()] = value;
}
GPU_KERNEL(padded_columns, BugArgs, kThreads) { GoThroughColumns<9>(args); }
GPU_KERNEL(unpadded_columns, BugArgs, kThreads) { GoThroughColumns<8>(args); }
GPU_KERNEL(reads_columns, BugArgs, kThreads) {
  args.out[Index()] = args.x[Bid() * kThreads + Tid() % 32 * 8 + Tid() / 32];
}

GPU_KERNEL(reads_behind_the_end, BugArgs, kThreads) { args.out[Index()] = args.y[Tid() + 1] > 0.0f ? 1.0f : 0.0f; }
GPU_KERNEL(writes_behind_the_end, BugArgs, kThreads) { args.out[(Bid() + 1) * kThreads + Tid()] = 1.0f; }
GPU_KERNEL(reads_another_blocks_result, BugArgs, kThreads) {
  args.out[Index()] = static_cast<float>(Bid());
  if (Bid() > 0) args.out[Index()] += args.out[(Bid() - 1) * kThreads + Tid()];
}
GPU_KERNEL(reads_what_nobody_wrote, BugArgs, kThreads) {
  if (args.out[Index()] > 0.0f) args.out[Index()] = 1.0f;
}
GPU_KERNEL(misaligned_vector, BugArgs, kThreads) { StoreVec<16>(args.out + 4 * Index(), LoadVec<16>(args.x + 1)); }
GPU_KERNEL(shares_local_memory, BugArgs, kThreads) {
  struct Pointers {
    const volatile float* local[kThreads];
  };
  GPU_SHARED(Pointers, pointers);
  volatile float local = args.x[Index()];
  pointers.local[Tid()] = &local;
  SyncBlock();
  args.out[Index()] = *pointers.local[Tid() ^ 1];
  SyncBlock();
}
GPU_KERNEL(writes_its_arguments, BugArgs, kThreads) { const_cast<volatile BugArgs&>(args).out = nullptr; }

}  // namespace engine::gpu
