// Rows times packed weights, panel by panel: what linear and gated_mlp share.
#pragma once

#include <algorithm>

#include "backends/cpu/activation_tiles.h"
#include "backends/cpu/isa/detect.h"
#include "backends/cpu/vector_entries.h"
#include "backends/cpu/work_grid.h"
#include "core/kernel/kernel.h"

namespace engine::cpu {

// Room for one tile's result: [tokens][16].
struct alignas(64) TileSums {
  float values[kMaxTileTokens * kPanelRows];
};

class PanelProduct {
 public:
  // in[0] times in[1]. `fast`, where RequireGain agrees: tiles of 16 rows round their activations once more, so that runs of
  // four groups share a scale, and add in another order than smaller ones.
  PanelProduct(const Problem& problem, Isa isa, bool fast);
  PanelProduct(Isa isa, DType weight, int64_t k, bool fast = false);

  int64_t scratch_bytes(int64_t max_rows, int workers) const;

  // Packs in[0] into the launch's scratch and returns where the tiles begin. Called by every worker; all of them find
  // the tiles complete.
  const std::byte* PackRows(const LaunchArgs& args, int64_t rows) const;

  // A weight in panels and the scales of its rows, which are none where it has scales of its own.
  struct Weight {
    const std::byte* panels;
    std::span<const float> row_scales;
  };
  // Input `index` of a launch, with the scales of input `scales` where it needs some.
  static Weight WeightOf(const LaunchArgs& args, int index, int scales);

  // Panel `panel` of `weight` times the tile's rows, into `out`: a token's 16 sums every `out_stride`.
  void Run(const Weight& weight, int64_t panel, const RowTile& tile, const std::byte* tiles, float* out,
           int64_t out_stride = kPanelRows) const {
    code_.run[tile.size_index]({.panel = weight.panels + panel * panel_bytes_,
                                .activations = tiles + tiles_.offset(tile.first_row),
                                .k = k_,
                                .row_scales = PanelOf(weight.row_scales, panel),
                                .out = out,
                                .out_stride = out_stride});
  }

  // Asks for where a panel begins, for a caller who has other work before. Of 12, 24 and 48 lines 12 gained most: gated MLPs
  // of one row in Q4_0 take 2 to 6 % less with one thread of a Zen 4 (`engine bench ops --op gated_mlp --rows 1 -t 1`).
  void PrefetchPanel(const Weight& weight, int64_t panel) const {
    constexpr int kLines = 12;
    for (int i = 0; i < kLines; ++i) __builtin_prefetch(weight.panels + panel * panel_bytes_ + i * 64);
  }

  // fn(unit, tile) for every unit of this worker and every tile. A unit is `panels_per_unit` panels.
  template <typename Fn>
  void ForEach(Worker& worker, int64_t num_units, int64_t panels_per_unit, int64_t rows, Fn&& fn) const;

 private:
  // Rows that a worker packs in the time of a barrier, about 1 us.
  static constexpr int64_t kOwnTileRows = 8;

  int64_t own_tile_bytes(int64_t rows) const;

  static std::span<const float> PanelOf(std::span<const float> row_scales, int64_t panel) {
    const size_t first = std::min<size_t>(panel * kPanelRows, row_scales.size());
    return row_scales.subspan(first, std::min<size_t>(kPanelRows, row_scales.size() - first));
  }

  PanelTileCode code_;
  ActivationTiles tiles_;
  int64_t k_;
  int64_t panel_bytes_;
  int memory_nodes_ = 1;
};

template <typename Fn>
void PanelProduct::ForEach(Worker& worker, int64_t num_units, int64_t panels_per_unit, int64_t rows, Fn&& fn) const {
  const WorkGrid grid({rows, num_units, panels_per_unit * panel_bytes_}, worker.count(), memory_nodes_);
  worker.ForEach(grid.num_parts(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const WorkGrid::Part part = grid.PartAt(i);
      for (int64_t row = part.rows.begin; row < part.rows.end;) {
        const RowTile tile = TileAt(row, rows);
        for (int64_t unit = part.units.begin; unit < part.units.end; ++unit) fn(unit, tile);
        row += tile.rows;
      }
    }
  });
}

std::span<const LayoutId> PanelLayouts(const Problem& problem, int index);

// VectorEntries whose weights lie in panels.
template <typename Family>
std::array<KernelEntry, 3> PanelEntries(Exactness exactness = Exactness::kExact) {
  std::array<KernelEntry, 3> entries = VectorEntries<Family>(exactness);
  for (KernelEntry& entry : entries) entry.weight_layouts = PanelLayouts;
  return entries;
}

// OK when x has the dtype that goes with the weight, and the weight lies in panels; else what is not so.
absl::Status RequirePanels(const TensorSpec& x, const TensorSpec& weight);

// OK when the weight's format has tiles of class fast.
absl::Status RequireGain(const TensorSpec& weight);

// The same kernels with tiles of class fast. Family has kFastNames, and Prepare(problem, isa, fast).
template <typename Family>
struct FastPanelFamily : Family {
  static constexpr auto& kNames = Family::kFastNames;
  static absl::Status Supports(const Problem& problem) {
    RETURN_IF_ERROR(RequireGain(problem.in[1]));
    return Family::Supports(problem);
  }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    return Family::Prepare(problem, isa, /*fast=*/true);
  }
};

template <typename Family>
std::array<KernelEntry, 3> FastPanelEntries() {
  return PanelEntries<FastPanelFamily<Family>>(Exactness::kFast);
}

}  // namespace engine::cpu
