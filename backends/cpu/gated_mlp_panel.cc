// gated_mlp over weights in panels. A worker computes 32 columns of gate and up and stores their product:
// the two halves never leave its cache, and 32 columns are a group of quantised activations.
#include "backends/cpu/gated_mlp_tile.h"
#include "backends/cpu/op_kernels.h"
#include "backends/cpu/panel_product.h"
#include "backends/cpu/vector_entries.h"
#include "ops/gated_mlp.h"

namespace engine::cpu {
namespace {

constexpr int kPanelsPerUnit = 2;
constexpr int64_t kUnitColumns = kPanelsPerUnit * kPanelRows;

class GatedMlpPanel : public Kernel {
 public:
  GatedMlpPanel(const Problem& problem, Isa isa, bool fast)
      : product_(problem, isa, fast),
        store_(CodeOf(problem, isa)),
        leading_(problem.out[0].shape.leading()),
        n_(problem.in[1].shape[0]),
        scratch_bytes_(product_.scratch_bytes(problem.max_rows(), problem.device.workers)) {}

  int64_t scratch_bytes() const override { return scratch_bytes_; }

  void Launch(const LaunchArgs& args) const override {
    const int64_t rows = Resolve(leading_, args.extents);
    if (rows == 0) return;
    const std::byte* tiles = product_.PackRows(args, rows);
    const Weights weights = {PanelProduct::WeightOf(args, 1, 3), PanelProduct::WeightOf(args, 2, 4)};
    product_.ForEach(args.worker, (n_ + kUnitColumns - 1) / kUnitColumns, 2 * kPanelsPerUnit, rows,
                     [&](int64_t unit, const RowTile& tile) { RunUnit(weights, unit, tile, tiles, args.out[0]); });
  }

 private:
  struct Weights {
    PanelProduct::Weight gate;
    PanelProduct::Weight up;
  };

  static auto CodeOf(const Problem& problem, Isa isa) -> void (*)(const GatedColumns&) {
    const GatedCode& code = CodeFor(isa, portable::kGated, avx2::kGated, avx512::kGated);
    return problem.op.as<GatedMlp>().activation == Activation::kSilu ? code.silu : code.gelu_tanh;
  }

  void RunUnit(const Weights& weights, int64_t unit, const RowTile& tile, const std::byte* tiles,
               const Tensor& y) const {
    TileSums gate[kPanelsPerUnit], up[kPanelsPerUnit];
    const int64_t first = unit * kPanelsPerUnit;
    const int64_t panels = std::min<int64_t>(kPanelsPerUnit, NumPanels(n_) - first);
    for (int64_t p = 0; p < panels; ++p) {
      product_.Run(weights.gate, first + p, tile, tiles, gate[p].values);
      product_.Run(weights.up, first + p, tile, tiles, up[p].values);
    }
    if (tile.rows <= 2) product_.PrefetchPanel(weights.gate, first + panels);  // memory would be idle until then
    const TensorSpec& spec = *y.spec;
    // A second panel that is not there stands for columns beyond n, which nobody stores: the first's numbers will do.
    const int64_t last = panels - 1;
    store_({.gate = {gate[0].values, gate[last].values},
            .up = {up[0].values, up[last].values},
            .rows = tile.rows,
            .out = spec.dtype,
            .y = y.data + tile.first_row * spec.row_bytes(),
            .y_row_bytes = spec.row_bytes(),
            .n = n_,
            .column = unit * kUnitColumns});
  }

  PanelProduct product_;
  void (*store_)(const GatedColumns&);
  int64_t leading_;
  int64_t n_;
  int64_t scratch_bytes_;
};

struct GatedMlpPanelFamily {
  static constexpr std::string_view kNames[] = {"gated_mlp.panel16.portable", "gated_mlp.panel16.avx2",
                                                "gated_mlp.panel16.avx512"};
  static constexpr std::string_view kFastNames[] = {"gated_mlp.panel16_fast.portable", "gated_mlp.panel16_fast.avx2",
                                                    "gated_mlp.panel16_fast.avx512"};
  static const OpSchema& Schema() { return SchemaOf(GatedMlp{}); }
  static absl::Status Supports(const Problem& problem) {
    RETURN_IF_ERROR(RequirePanels(problem.in[0], problem.in[1]));
    return RequirePanels(problem.in[0], problem.in[2]);
  }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa, bool fast = false) {
    return std::make_unique<GatedMlpPanel>(problem, isa, fast);
  }
};

}  // namespace

VectorKernels GatedMlpPanelKernels() { return PanelEntries<GatedMlpPanelFamily>(); }
VectorKernels GatedMlpPanelFastKernels() { return FastPanelEntries<GatedMlpPanelFamily>(); }

}  // namespace engine::cpu
