#include "ops/paged_attention.h"

#include <algorithm>
#include <limits>

#include "backends/cpu/attention_work.h"
#include "backends/cpu/op_kernels.h"
#include "backends/cpu/vector_entries.h"
#include "core/base/cache_line.h"
#include "core/tensor/q8_row.h"

namespace engine::cpu {
namespace {

// Bytes in which partitions of one tile may wait for each other. A decode step of one sequence with 8 heads of 128
// dimensions and 64 Ki tokens of context needs 1 MiB per query head of a group; what does not fit is not split.
constexpr int64_t kSplitBytes = int64_t{8} << 20;

// Scratch of one worker, and where its parts begin.
struct WorkerScratch {
  int64_t head_dim;

  int64_t scores_bytes() const { return kAttentionTileRows * kScoreStride * int64_t{sizeof(float)}; }
  int64_t queries_bytes() const { return CacheLines(kAttentionTileRows * head_dim * int64_t{sizeof(float)}); }
  int64_t sums_bytes() const {
    return CacheLines(kAttentionTileRows * (WeightedStride(head_dim) + 2) * int64_t{sizeof(float)});
  }
  int64_t bytes() const { return scores_bytes() + queries_bytes() + 2 * sums_bytes(); }
};

AttentionSums SumsAt(std::byte* data, int64_t rows) {
  auto* numbers = reinterpret_cast<float*>(data);
  return {.maximum = numbers, .total = numbers + rows, .weighted = numbers + 2 * rows};
}

void Clear(const AttentionSums& sums, const AttentionTile& tile) {
  std::fill_n(sums.maximum, tile.rows, -std::numeric_limits<float>::infinity());
  std::fill_n(sums.total, tile.rows, 0.0f);
  std::fill_n(sums.weighted, tile.rows * WeightedStride(tile.head_dim), 0.0f);
}

// fn(i) for each i below `count`, handed out one by one: some take longer than others.
template <typename Fn>
void ForEachIndex(Worker& worker, int64_t count, Fn&& fn) {
  worker.ForEach(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fn(i);
  });
}

// A tile's partitions are independent until they are merged in ascending order, so who attends to them, and when, does
// not show: one worker walks all of a tile's, or partitions are handed out.
class PagedAttentionKernel : public Kernel {
 public:
  // `fast`: a tile's partitions, where one worker walks them, leave nothing to merge.
  PagedAttentionKernel(const PagedAttention& op, Isa isa, int workers, bool fast)
      : op_(op),
        code_(CodeFor(isa, portable::kAttention, avx2::kAttention, avx512::kAttention)),
        rows_(RowCodeFor(isa)),
        workers_(workers),
        fast_(fast),
        layout_{op.head_dim} {}

  int64_t scratch_bytes() const override { return workers_ * layout_.bytes() + kSplitBytes; }

  void Launch(const LaunchArgs& args) const override {
    const AttentionWork work(op_, rows_, args);
    const Split split = SplitOf(work.num_tiles(), args.extents);
    if (split.pays) return LaunchSplit(work, split, args);
    AttentionWork::Cursor cursor(work);
    Buffers buffers = BuffersOf(args);
    ForEachIndex(args.worker, split.tiles, [&](int64_t i) {
      const AttentionTile tile = work.Tile(cursor.At(i), buffers.queries, buffers.out);
      Clear(buffers.running, tile);
      const PartitionRange range = PartitionsOf(tile);
      for (int64_t p = range.begin; p < range.end; ++p) {
        if (fast_) {
          code_.attend_running(tile, p, buffers.scores, buffers.running);
          continue;
        }
        code_.attend(tile, p, buffers.scores, buffers.partition);
        code_.merge(tile, p, buffers.partition, buffers.running);
      }
      code_.finish(tile, buffers.running, buffers.out);
    });
  }

 private:
  struct Buffers {
    float* scores;
    std::byte* queries;
    AttentionSums partition;
    AttentionSums running;
    AttentionOut out;
  };

  // Whether partitions are handed out; record: bytes of one partition's sums.
  struct Split {
    int64_t tiles;
    int64_t partitions;
    int64_t rows;
    int64_t record;
    bool pays;
  };

  Buffers BuffersOf(const LaunchArgs& args) const {
    std::byte* const begin = args.scratch.data() + args.worker.index() * layout_.bytes();
    std::byte* const queries = begin + layout_.scores_bytes();
    std::byte* const sums = queries + layout_.queries_bytes();
    return {.scores = reinterpret_cast<float*>(begin),
            .queries = queries,
            .partition = SumsAt(sums, kAttentionTileRows),
            .running = SumsAt(sums + layout_.sums_bytes(), kAttentionTileRows),
            .out = {}};
  }

  // Where every head has one tile, a step waits for memory: partition after partition, all heads of each, it reads spans
  // as they lie. Else four tiles per worker even out; fewer leave workers idle. Depends on the extents and lengths only,
  // so that every worker decides alike.
  Split SplitOf(int64_t tiles, const StepExtents& extents) const {
    const int64_t rows_per_head = int64_t{extents.max_query} * op_.heads / op_.kv_heads;
    const int64_t rows = std::min<int64_t>(kAttentionTileRows, rows_per_head);
    Split split{.tiles = tiles,
                .partitions = (extents.max_context + kAttentionPartition - 1) / kAttentionPartition,
                .rows = rows,
                .record = CacheLines(rows * (WeightedStride(op_.head_dim) + 2) * int64_t{sizeof(float)})};
    split.pays = split.partitions > 1 && (rows_per_head <= kAttentionTileRows || tiles < 4 * workers_) &&
                 tiles * split.partitions * split.record <= kSplitBytes;
    return split;
  }

  void LaunchSplit(const AttentionWork& work, const Split& split, const LaunchArgs& args) const {
    std::byte* const records = args.scratch.data() + workers_ * layout_.bytes();
    Buffers buffers = BuffersOf(args);
    AttentionWork::Cursor cursor(work);
    ForEachIndex(args.worker, split.tiles * split.partitions, [&](int64_t i) {
      const int64_t partition = i / split.tiles;
      const AttentionTile tile = work.Tile(cursor.At(i % split.tiles), buffers.queries, buffers.out);
      const PartitionRange seen = PartitionsOf(tile);
      if (partition < seen.begin || partition >= seen.end) return;
      code_.attend(tile, partition, buffers.scores, SumsAt(records + i * split.record, split.rows));
    });
    args.worker.Barrier();
    AttentionWork::Cursor merge_cursor(work);
    ForEachIndex(args.worker, split.tiles, [&](int64_t i) {
      const AttentionTile tile = work.Tile(merge_cursor.At(i), buffers.queries, buffers.out);
      Clear(buffers.running, tile);
      const PartitionRange seen = PartitionsOf(tile);
      for (int64_t p = seen.begin; p < seen.end; ++p) {
        const int64_t record = p * split.tiles + i;
        code_.merge(tile, p, SumsAt(records + record * split.record, split.rows), buffers.running);
      }
      code_.finish(tile, buffers.running, buffers.out);
    });
  }

  PagedAttention op_;
  const AttentionCode& code_;
  const RowCode& rows_;
  int64_t workers_;
  bool fast_;
  WorkerScratch layout_;
};

struct PagedAttentionFamily {
  static constexpr std::string_view kNames[] = {"paged_attention.portable", "paged_attention.avx2",
                                                "paged_attention.avx512"};
  static const OpSchema& Schema() { return SchemaOf(PagedAttention{}); }
  // A group of q8 values has one scale.
  static absl::Status Supports(const Problem& problem) {
    const PagedAttention& op = problem.op.as<PagedAttention>();
    if (op.out != DType::kQ8Group || op.head_dim % kActivationGroup == 0) return absl::OkStatus();
    return Unimplemented("head_dim is %d; storing q8_group needs a multiple of %d", op.head_dim, kActivationGroup);
  }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa, bool fast = false) {
    return std::make_unique<PagedAttentionKernel>(problem.op.as<PagedAttention>(), isa, problem.device.workers, fast);
  }
};

struct PagedAttentionFastFamily : PagedAttentionFamily {
  static constexpr std::string_view kNames[] = {"paged_attention.running.portable", "paged_attention.running.avx2",
                                                "paged_attention.running.avx512"};
  static absl::Status Supports(const Problem& problem) {
    if (problem.in[1].dtype == DType::kI8) return Unimplemented("the cache is int8; takes bf16 and f32");
    return PagedAttentionFamily::Supports(problem);
  }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    return PagedAttentionFamily::Prepare(problem, isa, /*fast=*/true);
  }
};

}  // namespace

VectorKernels PagedAttentionFastKernels() { return VectorEntries<PagedAttentionFastFamily>(Exactness::kFast); }
VectorKernels PagedAttentionKernels() { return VectorEntries<PagedAttentionFamily>(); }

}  // namespace engine::cpu
