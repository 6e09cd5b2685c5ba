#include "backends/gpu/paged_attention.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/kv_layout.h"
#include "ops/paged_attention.h"

namespace engine::gpu {
namespace {

static_assert(kPartitionTokens == kAttentionPartition);

// Blocks that keep a GPU of 132 multiprocessors busy without splitting a tile's partitions.
constexpr int64_t kEnoughBlocks = 4 * 132;

// Bytes in which partitions may wait to be merged. A decode step of one sequence with 8 KV heads of 128 dimensions and
// 64 Ki tokens of context needs 8.5 MiB; what does not fit is not split.
constexpr int64_t kSplitBytes = int64_t{32} << 20;

// A kernel and the rows of its blocks' tiles.
struct AttentionKernel {
  const KernelInstance& instance;
  int tile_rows;
};

AttentionKernel ExactKernel(const Problem& problem) {
  const DType cache = problem.in[1].dtype;
  if (cache == DType::kF32) return {kPagedAttentionF32, kAttentionRows};
  return {cache == DType::kBF16 ? kPagedAttentionBf16 : kPagedAttentionInt8, kAttentionRows};
}

AttentionKernel MatrixKernel(const Problem& problem) {
  const bool narrow = problem.op.as<PagedAttention>().head_dim == 64;
  return {narrow ? kPagedAttentionMatrix64 : kPagedAttentionMatrix128, kMatrixRows};
}

// A tile's partitions are independent until they are merged in ascending order, so whether one block walks them or many
// share them does not show.
class PagedAttentionTiles : public Kernel {
 public:
  PagedAttentionTiles(const PagedAttention& op, const AttentionKernel& kernel) : op_(op), kernel_(kernel) {}

  int64_t scratch_bytes() const override { return kSplitBytes; }

  void Launch(const LaunchArgs& launch) const override {
    AttentionArgs args = ArgsOf(launch);
    const int64_t sequences = RowsOf(launch.in[2], launch);
    const auto grid_of = [&](int tile_rows) {
      return GpuGrid{.x = sequences * DivideUp(args.rows, tile_rows), .y = op_.kv_heads};
    };
    GpuGrid grid = grid_of(kernel_.tile_rows);
    const int64_t partitions = DivideUp(launch.extents.max_context, kPartitionTokens);
    const int64_t partials = sequences * op_.kv_heads * args.rows * partitions;
    const int64_t bytes = partials * PartialFloats(op_.head_dim) * int64_t{sizeof(float)};
    if (partitions > 1 && grid.x * grid.y < kEnoughBlocks && bytes <= kSplitBytes) {
      args.partitions = static_cast<int>(partitions);
      grid.z = partitions;
    }
    Enqueue(launch, kernel_.instance, grid, args);
    if (args.IsSplit()) Enqueue(launch, kMergePartitions, grid_of(kAttentionRows), args);
  }

 private:
  // Of a block that walks its tile's partitions.
  AttentionArgs ArgsOf(const LaunchArgs& launch) const {
    const TensorSpec& cache = *launch.in[1].spec;
    return {.q = launch.in[0].data,
            .cache = launch.in[1].data,
            .block_table = launch.in[2].as<const int32_t>(),
            .query_start = launch.in[3].as<const int32_t>(),
            .query_length = launch.in[4].as<const int32_t>(),
            .context_length = launch.in[5].as<const int32_t>(),
            .out = launch.out[0].as<float>(),
            .partials = reinterpret_cast<float*>(launch.scratch.data()),
            .part_bytes = RowBytes(cache.dtype, KvPartElements(cache.dtype, op_.head_dim)),
            .table_columns = static_cast<int>(launch.in[2].spec->shape[1]),
            .kv_heads = op_.kv_heads,
            .group = op_.heads / op_.kv_heads,
            .head_dim = op_.head_dim,
            .window = op_.window,
            .rows = launch.extents.max_query * op_.heads / op_.kv_heads,
            .partitions = 0,
            .scale = op_.scale};
  }

  PagedAttention op_;
  AttentionKernel kernel_;
};

template <AttentionKernel (*kKernelOf)(const Problem&)>
absl::StatusOr<std::unique_ptr<Kernel>> Prepare(const Problem& problem) {
  return std::make_unique<PagedAttentionTiles>(problem.op.as<PagedAttention>(), kKernelOf(problem));
}

absl::Status RequireF32Output(const PagedAttention& op) {
  if (op.out == DType::kF32) return absl::OkStatus();
  return Unimplemented("it would store %s; stores f32", Name(op.out));
}

absl::Status RequireMatrixHeads(const Problem& problem) {
  const PagedAttention& op = problem.op.as<PagedAttention>();
  RETURN_IF_ERROR(RequireF32Output(op));
  if (problem.in[1].dtype != DType::kBF16)
    return Unimplemented("the cache is %s; needs bf16", Name(problem.in[1].dtype));
  if (op.head_dim != 64 && op.head_dim != 128) return Unimplemented("head_dim is %d; needs 64 or 128", op.head_dim);
  if (op.scale <= 0) return Unimplemented("scale is %g; needs one above 0", op.scale);
  return absl::OkStatus();
}

absl::Status Supports(const Problem& problem) {
  const PagedAttention& op = problem.op.as<PagedAttention>();
  if (op.head_dim > kMaxHeadDim) return Unimplemented("head_dim is %d; at most %d", op.head_dim, kMaxHeadDim);
  return RequireF32Output(op);
}

}  // namespace

KernelEntry MatrixPagedAttentionKernel() {
  return {.name = "paged_attention.matrix.gpu",
          .op = &SchemaOf(PagedAttention{}),
          .exactness = Exactness::kInvariant,
          .supports = RequireMatrixHeads,
          .prepare = Prepare<MatrixKernel>};
}

KernelEntry PagedAttentionKernel() {
  return {.name = "paged_attention.gpu",
          .op = &SchemaOf(PagedAttention{}),
          .supports = Supports,
          .prepare = Prepare<ExactKernel>};
}

}  // namespace engine::gpu
