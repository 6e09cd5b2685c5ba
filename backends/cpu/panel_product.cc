#include "backends/cpu/panel_product.h"

#include "backends/cpu/row_code.h"
#include "core/base/cache_line.h"
#include "ops/linear.h"

namespace engine::cpu {
namespace {

PanelTileCode CodeOf(Isa isa, DType weight) {
  const bool is_block = IsBlockQuantised(weight);
  if (isa >= Isa::kAvx512) return is_block ? avx512::BlockTileCodeOf(weight) : avx512::PlainTileCodeOf(weight);
  if (isa == Isa::kAvx2) return is_block ? avx2::BlockTileCodeOf(weight) : avx2::PlainTileCodeOf(weight);
  return is_block ? portable::BlockTileCodeOf(weight) : portable::PlainTileCodeOf(weight);
}

}  // namespace

PanelProduct::PanelProduct(const Problem& problem, Isa isa, bool fast)
    : PanelProduct(isa, problem.in[1].dtype, problem.in[1].shape[1], fast) {
  memory_nodes_ = problem.device.memory_nodes;
}

PanelProduct::PanelProduct(Isa isa, DType weight, int64_t k, bool fast)
    : code_(CodeOf(isa, weight)),
      tiles_(weight, k, code_.unit_bytes, fast ? &RowCodeFor(isa) : nullptr),
      k_(k),
      panel_bytes_(PanelBytes(weight, k)) {
  if (fast) code_.run[kNumTileSizes - 1] = code_.run_shared;
}

int64_t PanelProduct::scratch_bytes(int64_t max_rows, int workers) const {
  return std::max(tiles_.bytes(max_rows), workers * own_tile_bytes(max_rows));
}

// Few rows are packed by every worker for itself, which is faster than waiting for each other.
const std::byte* PanelProduct::PackRows(const LaunchArgs& args, int64_t rows) const {
  const std::byte* x = args.in[0].data;
  if (rows <= kOwnTileRows) {
    std::byte* own = args.scratch.data() + args.worker.index() * own_tile_bytes(rows);
    tiles_.Pack(TileAt(0, rows), x, own);
    return own;
  }
  std::byte* tiles = args.scratch.data();
  args.worker.ForEach((rows + kMaxTileTokens - 1) / kMaxTileTokens, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin * kMaxTileTokens; row < std::min(end * kMaxTileTokens, rows);) {
      const RowTile tile = TileAt(row, rows);
      tiles_.Pack(tile, x, tiles + tiles_.offset(row));
      row += tile.rows;
    }
  });
  args.worker.Barrier();
  return tiles;
}

PanelProduct::Weight PanelProduct::WeightOf(const LaunchArgs& args, int index, int scales) {
  Weight weight{args.in[index].data, {}};
  if (!NeedRowScales(args.in[index].spec->dtype)) return weight;
  const Tensor& input = args.in[scales];
  weight.row_scales = {input.as<const float>(), static_cast<size_t>(input.spec->shape[0])};
  return weight;
}

int64_t PanelProduct::own_tile_bytes(int64_t rows) const {
  return CacheLines(tiles_.tile_bytes(TileAt(0, std::min(rows, kOwnTileRows)).tokens()));
}

std::span<const LayoutId> PanelLayouts(const Problem& problem, int index) {
  static constexpr LayoutId kPanels[] = {kPanel16};
  static constexpr LayoutId kPlain[] = {kRowMajor};
  return index > 0 && problem.in[index].shape.rank() == 2 ? kPanels : kPlain;
}

absl::Status RequireGain(const TensorSpec& weight) {
  if (CodeOf(Isa::kPortable, weight.dtype).run_shared != nullptr) return absl::OkStatus();
  return Unimplemented("w is %s; only integers with one scale and no offset per group gain by it", Name(weight.dtype));
}

absl::Status RequirePanels(const TensorSpec& x, const TensorSpec& weight) {
  const DType wanted = InputDType(InputFor(weight.dtype));
  if (x.dtype != wanted) {
    return Unimplemented("x is %s; a weight in %s needs %s", Name(x.dtype), Name(weight.dtype), Name(wanted));
  }
  if (weight.layout != kOpenLayout && weight.layout != kPanel16) {
    return Unimplemented("w lies in %s; needs %s", weight.layout.name, kPanel16.name);
  }
  return absl::OkStatus();
}

}  // namespace engine::cpu
