// linear over wide panels: y = x w^T (+ bias). oneDNN computes blocks of 16 rows and more, our tiles the rest, from the same
// bytes and in the same order; with AMX, whose order is not ours, oneDNN computes the rest too, among rows of zeros.
#include <algorithm>
#include <cstring>

#include "backends/cpu/activation_tiles.h"
#include "backends/cpu/onednn_probe.h"
#include "backends/cpu/onednn_product.h"
#include "backends/cpu/op_kernels.h"
#include "backends/cpu/vector_entries.h"
#include "backends/cpu/wide_layout.h"
#include "backends/cpu/wide_tile.h"
#include "core/base/cache_line.h"
#include "ops/linear.h"

namespace engine::cpu {
namespace {

// Room for fewer rows than oneDNN takes, in tiles of which the last may be padded to twice its rows, or padded to oneDNN's.
constexpr int64_t kSmallTokens = 2 * OneDnnProduct::kMinRows;

class LinearOneDnn : public Kernel {
 public:
  struct Parts {
    std::unique_ptr<OneDnnProduct> product;
    WideTileCode code;
    OneDnnOrder order;
  };

  LinearOneDnn(const Problem& problem, std::shared_ptr<const Parts> parts)
      : parts_(std::move(parts)),
        tiles_(problem.in[1].dtype, problem.in[1].shape[1]),
        row_bytes_(problem.in[0].row_bytes()),
        panel_bytes_(WidePanelBytes(problem.in[1].dtype, problem.in[1].shape[1])),
        leading_(problem.out[0].shape.leading()),
        n_(problem.in[1].shape[0]),
        has_bias_(problem.op.as<Linear>().bias),
        workers_(problem.device.workers) {}

  int64_t scratch_bytes() const override { return workers_ * WorkerBytes(); }

  void Launch(const LaunchArgs& args) const override {
    const int64_t rows = Resolve(leading_, args.extents);
    const int64_t large_rows = rows / OneDnnProduct::kMinRows * OneDnnProduct::kMinRows;
    if (large_rows > 0) RunLarge(args, large_rows);
    if (large_rows == rows) return;
    if (parts_->order.chunk_ends.empty()) return RunPadded(args, large_rows, rows - large_rows);
    RunSmall(args, large_rows, rows - large_rows);
  }

 private:
  // A worker's scratch: sums, packed rows, the library's.
  static constexpr int64_t kSumsBytes = OneDnnProduct::kMaxRows * kWidePanelRows * int64_t{sizeof(float)};
  int64_t TileBytes() const { return CacheLines(tiles_.tile_bytes(1) * kSmallTokens); }
  int64_t WorkerBytes() const { return kSumsBytes + TileBytes() + CacheLines(parts_->product->scratch_bytes()); }
  std::byte* ScratchOf(const LaunchArgs& args) const {
    return args.scratch.data() + args.worker.index() * WorkerBytes();
  }

  // The primitive for the rows from `row` on.
  int BlockAt(int64_t row, int64_t rows) const {
    return *std::ranges::find_if(parts_->order.blocks,
                                 [&](int block) { return OneDnnProduct::kBlockRows[block] <= rows - row; });
  }

  // Panel by panel, so that a worker keeps one while the rows stream past it.
  void RunLarge(const LaunchArgs& args, int64_t rows) const {
    std::byte* scratch = ScratchOf(args);
    auto* sums = reinterpret_cast<float*>(scratch);
    int64_t blocks = 0;
    for (int64_t row = 0; row < rows; row += OneDnnProduct::kBlockRows[BlockAt(row, rows)]) ++blocks;
    args.worker.ForEach(NumWidePanels(n_) * blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t panel = item / blocks;
        int64_t row = 0;
        for (int64_t b = 0; b < item % blocks; ++b) row += OneDnnProduct::kBlockRows[BlockAt(row, rows)];
        const int block = BlockAt(row, rows);
        parts_->product->Run({.worker = args.worker.index(),
                              .block = block,
                              .rows = args.in[0].data + row * row_bytes_,
                              .panel = args.in[1].data + panel * panel_bytes_,
                              .out = sums,
                              .scratch = scratch + kSumsBytes + TileBytes()});
        StoreSums(args, sums, {row, OneDnnProduct::kBlockRows[block], panel * kWidePanelRows});
      }
    });
  }

  // Fewer rows than oneDNN takes. Every worker packs them for itself, which is faster than waiting for each other.
  void RunSmall(const LaunchArgs& args, int64_t first_row, int64_t rows) const {
    std::byte* scratch = ScratchOf(args);
    std::byte* tiles = scratch + kSumsBytes;
    const std::byte* x = args.in[0].data + first_row * row_bytes_;
    for (int64_t row = 0; row < rows; row += TileAt(row, rows).rows) {
      tiles_.Pack(TileAt(row, rows), x, tiles + tiles_.offset(row));
    }
    auto* sums = reinterpret_cast<float*>(scratch);
    args.worker.ForEach(NumWidePanels(n_), 1, [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) {
        for (int64_t row = 0; row < rows; row += TileAt(row, rows).rows) {
          const RowTile tile = TileAt(row, rows);
          parts_->code.run[tile.size_index]({.panel = args.in[1].data + panel * panel_bytes_,
                                             .activations = tiles + tiles_.offset(row),
                                             .chunk_ends = parts_->order.chunk_ends,
                                             .out = sums});
          StoreSums(args, sums, {first_row + row, tile.rows, panel * kWidePanelRows});
        }
      }
    });
  }

  // Fewer rows than oneDNN takes, which takes them with zeros behind.
  void RunPadded(const LaunchArgs& args, int64_t first_row, int64_t rows) const {
    std::byte* scratch = ScratchOf(args);
    auto* sums = reinterpret_cast<float*>(scratch);
    std::byte* padded = scratch + kSumsBytes;
    std::memcpy(padded, args.in[0].data + first_row * row_bytes_, rows * row_bytes_);
    std::memset(padded + rows * row_bytes_, 0, (OneDnnProduct::kMinRows - rows) * row_bytes_);
    args.worker.ForEach(NumWidePanels(n_), 1, [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) {
        parts_->product->Run({.worker = args.worker.index(),
                              .block = OneDnnProduct::kNumBlocks - 1,
                              .rows = padded,
                              .panel = args.in[1].data + panel * panel_bytes_,
                              .out = sums,
                              .scratch = scratch + kSumsBytes + TileBytes()});
        StoreSums(args, sums, {first_row, rows, panel * kWidePanelRows});
      }
    });
  }

  struct Area {
    int64_t row;
    int64_t rows;
    int64_t column;
  };
  void StoreSums(const LaunchArgs& args, const float* sums, const Area& area) const {
    const float* bias = has_bias_ ? args.in[2].as<const float>() + area.column : nullptr;
    const int64_t columns = std::min(kWidePanelRows, n_ - area.column);
    for (int64_t r = 0; r < area.rows; ++r) {
      const float* in = sums + r * kWidePanelRows;
      float* out = args.out[0].as<float>() + (area.row + r) * n_ + area.column;
      for (int64_t i = 0; i < columns; ++i) out[i] = bias != nullptr ? in[i] + bias[i] : in[i];
    }
  }

  std::shared_ptr<const Parts> parts_;  // of all linears with this type and k: they run one after the other
  ActivationTiles tiles_;
  int64_t row_bytes_;
  int64_t panel_bytes_;
  int64_t leading_;
  int64_t n_;
  bool has_bias_;
  int workers_;
};

// Says nothing about rows: an engine of few rows and one of many must add in the same order.
absl::Status Supports(const Problem& problem) {
  RETURN_IF_ERROR(RequireIsa(problem, Isa::kAvx2));
  const TensorSpec& weight = problem.in[1];
  if (!WideLayout().holds(weight.dtype)) return Unimplemented("w is %s; takes bf16 and f32", Name(weight.dtype));
  if (weight.layout != kOpenLayout && weight.layout != kPanel64) {
    return Unimplemented("w lies in %s; needs %s", weight.layout.name, kPanel64.name);
  }
  return absl::OkStatus();
}

std::span<const LayoutId> Layouts(const Problem&, int index) {
  static constexpr LayoutId kWeight[] = {kPanel64};
  static constexpr LayoutId kOthers[] = {kRowMajor};
  return index == 1 ? kWeight : kOthers;
}

absl::StatusOr<std::shared_ptr<const LinearOneDnn::Parts>> MakeParts(const OneDnnProduct::Shape& shape) {
  auto parts = std::make_shared<LinearOneDnn::Parts>();
  parts->code = shape.isa >= Isa::kAvx512 ? avx512::WideTileCodeOf(shape.weight) : avx2::WideTileCodeOf(shape.weight);
  ASSIGN_OR_RETURN(parts->product, OneDnnProduct::Create(shape));
  if (shape.isa == Isa::kAmx && shape.weight == DType::kBF16) {
    parts->order = ProbeForeignOrder(*parts->product, shape.weight, shape.k);
    return parts;
  }
  ASSIGN_OR_RETURN(parts->order, ProbeOrder(*parts->product, parts->code, shape.weight, shape.k));
  return parts;
}

absl::StatusOr<std::unique_ptr<Kernel>> Prepare(const Problem& problem) {
  const OneDnnProduct::Shape shape{.weight = problem.in[1].dtype,
                                   .k = problem.in[1].shape[1],
                                   .workers = problem.device.workers,
                                   .isa = *ParseIsa(problem.device.isa)};
  PreparedParts own;
  PreparedParts& parts = problem.parts != nullptr ? *problem.parts : own;
  ASSIGN_OR_RETURN(auto shared,
                   parts.Get<LinearOneDnn::Parts>(absl::StrFormat("linear.onednn %s %d", Name(shape.weight), shape.k),
                                                  [&] { return MakeParts(shape); }));
  return std::make_unique<LinearOneDnn>(problem, std::move(shared));
}

}  // namespace

std::vector<KernelEntry> LinearOneDnnKernels() {
  return {{.name = "linear.onednn",
           .op = &SchemaOf(Linear{}),
           .exactness = Exactness::kInvariant,
           .supports = Supports,
           .weight_layouts = Layouts,
           .prepare = Prepare}};
}

}  // namespace engine::cpu
