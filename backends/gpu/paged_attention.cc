#include "backends/gpu/paged_attention.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/kv_layout.h"
#include "ops/paged_attention.h"

namespace engine::gpu {
namespace {

static_assert(kPartitionTokens == kAttentionPartition);

// Of a large GPU.
constexpr int64_t kMultiprocessors = 132;

// Blocks that keep it busy without splitting a tile's partitions.
constexpr int64_t kEnoughBlocks = 4 * kMultiprocessors;

// Bytes in which partitions may wait to be merged. A decode step of one sequence with 8 KV heads of 128 dimensions and
// 64 Ki tokens of context needs 8.5 MiB; what does not fit is not split.
constexpr int64_t kSplitBytes = int64_t{32} << 20;

const KernelInstance& InstanceOf(DType cache) {
  if (cache == DType::kF32) return kPagedAttentionF32;
  return cache == DType::kBF16 ? kPagedAttentionBf16 : kPagedAttentionInt8;
}

// A tile's partitions are independent until they are merged in ascending order, so whether one block walks them or many
// share them does not show.
class PagedAttentionTiles : public Kernel {
 public:
  explicit PagedAttentionTiles(const PagedAttention& op) : op_(op) {}

  int64_t scratch_bytes() const override { return kSplitBytes; }

  void Launch(const LaunchArgs& launch) const override {
    AttentionArgs args = ArgsOf(launch);
    const int64_t sequences = RowsOf(launch.in[2], launch);
    const int64_t blocks = sequences * args.tiles * args.kv_heads;
    const int64_t bytes = blocks * args.partitions * kAttentionRows * PartialFloats(op_.head_dim) * 4;
    const bool split = args.partitions > 1 && blocks < kEnoughBlocks && bytes <= kSplitBytes;
    if (split) args.partials = reinterpret_cast<float*>(launch.scratch.data());
    const GpuGrid tiles = {.x = sequences * args.tiles, .y = args.kv_heads};
    GpuGrid grid = tiles;
    if (split) grid.z = args.partitions;
    Enqueue(launch, InstanceOf(launch.in[1].spec->dtype), grid, args);
    if (split) Enqueue(launch, kMergePartitions, tiles, args);
  }

 protected:
  // Query rows of a KV head, of the sequence that has the most.
  int64_t MostRows(const LaunchArgs& launch) const {
    return int64_t{launch.extents.max_query} * op_.heads / op_.kv_heads;
  }

  AttentionArgs ArgsOf(const LaunchArgs& launch) const {
    const TensorSpec& cache = *launch.in[1].spec;
    const int64_t rows = MostRows(launch);
    return {.q = launch.in[0].data,
            .cache = launch.in[1].data,
            .block_table = launch.in[2].as<const int32_t>(),
            .query_start = launch.in[3].as<const int32_t>(),
            .query_length = launch.in[4].as<const int32_t>(),
            .context_length = launch.in[5].as<const int32_t>(),
            .out = launch.out[0].as<float>(),
            .partials = nullptr,
            .part_bytes = RowBytes(cache.dtype, KvPartElements(cache.dtype, op_.head_dim)),
            .table_columns = static_cast<int>(launch.in[2].spec->shape[1]),
            .heads = op_.heads,
            .kv_heads = op_.kv_heads,
            .head_dim = op_.head_dim,
            .window = op_.window,
            .tiles = static_cast<int>(DivideUp(rows, kAttentionRows)),
            .partitions = static_cast<int>(DivideUp(launch.extents.max_context, kPartitionTokens)),
            .scale = op_.scale};
  }

  PagedAttention op_;
};

// Steps that read prompts; in others a block would have a few rows of its tile. A block walks all partitions, so where there
// are several, fewer blocks than multiprocessors would leave to some what others could have shared.
class MatrixPagedAttention : public PagedAttentionTiles {
 public:
  using PagedAttentionTiles::PagedAttentionTiles;

  void Launch(const LaunchArgs& launch) const override {
    constexpr int64_t kEnoughRows = 16;  // of a matrix step
    if (MostRows(launch) < kEnoughRows) return PagedAttentionTiles::Launch(launch);
    AttentionArgs args = ArgsOf(launch);
    args.tiles = static_cast<int>(DivideUp(MostRows(launch), kMatrixRows));
    const GpuGrid grid{.x = RowsOf(launch.in[2], launch) * args.tiles, .y = args.kv_heads};
    if (args.partitions > 1 && grid.x * grid.y < kMultiprocessors) return PagedAttentionTiles::Launch(launch);
    const KernelInstance& kernel = args.head_dim == 64 ? kPagedAttentionMatrix64 : kPagedAttentionMatrix128;
    Enqueue(launch, kernel, grid, args);
  }
};

absl::Status RequireMatrixHeads(const Problem& problem) {
  const PagedAttention& op = problem.op.as<PagedAttention>();
  if (problem.in[1].dtype != DType::kBF16)
    return Unimplemented("the cache is %s; needs bf16", Name(problem.in[1].dtype));
  if (op.head_dim != 64 && op.head_dim != 128) return Unimplemented("head_dim is %d; needs 64 or 128", op.head_dim);
  if (op.scale <= 0) return Unimplemented("scale is %g; needs one above 0", op.scale);
  return absl::OkStatus();
}

absl::Status Supports(const Problem& problem) {
  const int head_dim = problem.op.as<PagedAttention>().head_dim;
  if (head_dim > kMaxHeadDim) return Unimplemented("head_dim is %d; at most %d", head_dim, kMaxHeadDim);
  return absl::OkStatus();
}

}  // namespace

KernelEntry MatrixPagedAttentionKernel() {
  return {.name = "paged_attention.matrix.gpu",
          .op = &SchemaOf(PagedAttention{}),
          .exactness = Exactness::kFast,
          .supports = RequireMatrixHeads,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<MatrixPagedAttention>(problem.op.as<PagedAttention>());
          }};
}

KernelEntry PagedAttentionKernel() {
  return {.name = "paged_attention.gpu",
          .op = &SchemaOf(PagedAttention{}),
          .supports = Supports,
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<PagedAttentionTiles>(problem.op.as<PagedAttention>());
          }};
}

}  // namespace engine::gpu
