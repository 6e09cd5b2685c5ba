// Device code: what the products of every weight format share.
#pragma once

#include "backends/gpu/linear.h"
#include "backends/gpu/port/port.h"

namespace engine::gpu {

// The panel of a block, and where its results go.
struct PanelTask {
  LinearWeight weight;
  int panel;
  int row;  // of the panel: the thread's

  // `index` counts the panels of both weights.
  GPU_FN PanelTask(const LinearArgs& args, int index) : panel(index), row(Tid() % kPanelRows) {
    const int panels = static_cast<int>(NumPanels(args.n));
    weight = Choose(index < panels, args.weights[0], args.weights[1]);
    if (index >= panels) panel -= panels;
  }

  // Field by field, so that no copy of the arguments lies in memory.
  GPU_FN static LinearWeight Choose(bool first, const LinearWeight& a, const LinearWeight& b) {
    return {.panels = first ? a.panels : b.panels,
            .row_scales = first ? a.row_scales : b.row_scales,
            .bias = first ? a.bias : b.bias,
            .y = first ? a.y : b.y};
  }

  GPU_FN void Store(const LinearArgs& args, int token, float sum) const { Store(args, token, row, sum); }

  GPU_FN void Store(const LinearArgs& args, int token, int panel_row, float sum) const {
    const int column = panel * kPanelRows + panel_row;
    if (column >= args.n) return;
    if (weight.row_scales != nullptr) sum *= weight.row_scales[column];
    if (weight.bias != nullptr) sum += weight.bias[column];
    weight.y[int64_t{token} * args.n + column] = sum;
  }
};

// Any number added to it is that number, -0 included: the outer sum of rule 3 starts from its first chunk.
inline constexpr float kEmptySum = -0.0f;

// Chunks are added in order.
struct ChunkSum {
  float total = kEmptySum;
  float acc = 0.0f;

  GPU_FN void EndChunk() {
    total += acc;
    acc = 0.0f;
  }
};

}  // namespace engine::gpu
