// gated_mlp over block-quantised weights in panels. A worker computes 32 columns of gate and up and stores their product:
// the two halves never leave its cache, and 32 columns are a group of quantised activations.
#include "backends/cpu/gated_mlp_tile.h"
#include "backends/cpu/linear_kernels.h"
#include "backends/cpu/panel_product.h"
#include "backends/cpu/vector_entries.h"
#include "ops/gated_mlp.h"

namespace engine::cpu {
namespace {

constexpr int kPanelsPerUnit = 2;
constexpr int64_t kUnitColumns = kPanelsPerUnit * kPanelRows;

class GatedMlpPanel : public Kernel {
 public:
  GatedMlpPanel(const Problem& problem, Isa isa)
      : product_(isa, problem.in[1].dtype, problem.in[1].shape[1]),
        store_(CodeOf(problem, isa)),
        leading_(problem.out[0].shape.leading()),
        n_(problem.in[1].shape[0]),
        scratch_bytes_(product_.scratch_bytes(problem.max_rows(), problem.device.workers)) {}

  int64_t scratch_bytes() const override { return scratch_bytes_; }

  void Launch(const LaunchArgs& args) const override {
    const int64_t rows = Resolve(leading_, args.extents);
    if (rows == 0) return;
    const std::byte* tiles = product_.PackRows(args, rows);
    product_.ForEach(args.worker, n_ / kUnitColumns, 2 * kPanelsPerUnit, rows,
                     [&](int64_t unit, const RowTile& tile) { RunUnit(args, unit, tile, tiles); });
  }

 private:
  static auto CodeOf(const Problem& problem, Isa isa) -> void (*)(const GatedColumns&) {
    const GatedCode& code = CodeFor(isa, portable::kGated, avx2::kGated, avx512::kGated);
    return problem.op.as<GatedMlp>().activation == Activation::kSilu ? code.silu : code.gelu_tanh;
  }

  void RunUnit(const LaunchArgs& args, int64_t unit, const RowTile& tile, const std::byte* tiles) const {
    TileSums gate[kPanelsPerUnit], up[kPanelsPerUnit];
    for (int p = 0; p < kPanelsPerUnit; ++p) {
      product_.Run(args.in[1].data, unit * kPanelsPerUnit + p, tile, tiles, gate[p]);
      product_.Run(args.in[2].data, unit * kPanelsPerUnit + p, tile, tiles, up[p]);
    }
    const TensorSpec& y = *args.out[0].spec;
    store_({.gate = {gate[0].values, gate[1].values},
            .up = {up[0].values, up[1].values},
            .rows = tile.rows,
            .out = y.dtype,
            .y = args.out[0].data + tile.first_row * y.row_bytes(),
            .y_row_bytes = y.row_bytes(),
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
  static const OpSchema& Schema() { return SchemaOf(GatedMlp{}); }
  static absl::Status Supports(const Problem& problem) {
    RETURN_IF_ERROR(RequirePanels(problem.in[0], problem.in[1]));
    RETURN_IF_ERROR(RequirePanels(problem.in[0], problem.in[2]));
    const int64_t n = problem.in[1].shape[0];
    if (n % kUnitColumns == 0) return absl::OkStatus();
    return Unimplemented("n is %d; needs a multiple of %d", n, kUnitColumns);
  }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    return std::make_unique<GatedMlpPanel>(problem, isa);
  }
};

}  // namespace

std::array<KernelEntry, 3> GatedMlpPanelKernels() { return PanelEntries<GatedMlpPanelFamily>(); }

}  // namespace engine::cpu
