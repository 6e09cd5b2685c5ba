// linear over weights in panels: y = x w^T (+ bias).
#include "backends/cpu/op_kernels.h"
#include "backends/cpu/panel_product.h"
#include "backends/cpu/vector_entries.h"
#include "ops/linear.h"

namespace engine::cpu {
namespace {

class LinearPanel : public Kernel {
 public:
  LinearPanel(const Problem& problem, Isa isa, bool fast)
      : product_(problem, isa, fast),
        leading_(problem.out[0].shape.leading()),
        n_(problem.in[1].shape[0]),
        has_bias_(problem.op.as<Linear>().bias),
        writes_once_(!fast),
        scratch_bytes_(product_.scratch_bytes(problem.max_rows(), problem.device.workers)) {}

  int64_t scratch_bytes() const override { return scratch_bytes_; }

  void Launch(const LaunchArgs& args) const override {
    const int64_t rows = Resolve(leading_, args.extents);
    if (rows == 0) return;
    const std::byte* tiles = product_.PackRows(args, rows);
    const PanelProduct::Weight weight = PanelProduct::WeightOf(args, 1, 2);
    const float* bias = has_bias_ ? args.in.back().as<const float>() : nullptr;
    product_.ForEach(args.worker, NumPanels(n_), 1, rows, [&](int64_t panel, const RowTile& tile) {
      const int64_t column = panel * kPanelRows;
      float* const y = args.out[0].as<float>() + tile.first_row * n_ + column;
      // A whole tile of whole columns needs no room in between.
      if (writes_once_ && bias == nullptr && tile.rows == tile.tokens() && column + kPanelRows <= n_) {
        return product_.Run(weight, panel, tile, tiles, y, n_);
      }
      TileSums sums;
      product_.Run(weight, panel, tile, tiles, sums.values);
      StoreSums(sums, tile.rows, column, bias, y);
    });
  }

 private:
  void StoreSums(const TileSums& sums, int rows, int64_t column, const float* bias, float* y) const {
    const int64_t columns = std::min(kPanelRows, n_ - column);
    for (int r = 0; r < rows; ++r) {
      const float* in = sums.values + r * kPanelRows;
      float* out = y + r * n_;
      for (int64_t i = 0; i < columns; ++i) out[i] = bias != nullptr ? in[i] + bias[column + i] : in[i];
    }
  }

  PanelProduct product_;
  int64_t leading_;
  int64_t n_;
  bool has_bias_;
  bool writes_once_;  // tiles, each of their sums (but for chunks of k)
  int64_t scratch_bytes_;
};

struct LinearPanelFamily {
  static constexpr std::string_view kNames[] = {"linear.panel16.portable", "linear.panel16.avx2",
                                                "linear.panel16.avx512"};
  static constexpr std::string_view kFastNames[] = {"linear.panel16_fast.portable", "linear.panel16_fast.avx2",
                                                    "linear.panel16_fast.avx512"};
  static const OpSchema& Schema() { return SchemaOf(Linear{}); }
  static absl::Status Supports(const Problem& problem) { return RequirePanels(problem.in[0], problem.in[1]); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa, bool fast = false) {
    return std::make_unique<LinearPanel>(problem, isa, fast);
  }
};

}  // namespace

VectorKernels LinearPanelKernels() { return PanelEntries<LinearPanelFamily>(); }
VectorKernels LinearPanelFastKernels() { return FastPanelEntries<LinearPanelFamily>(); }

}  // namespace engine::cpu
