// Device code: what the products of every weight format share.
#pragma once

#include "backends/gpu/linear.h"
#include "backends/gpu/port/port.h"
#include "backends/gpu/store_row.h"

namespace engine::gpu {

// A panel of a weight, and where its results go.
struct PanelTask {
  LinearWeight weight;
  int panel;
  int row;  // of the panel: the thread's

  GPU_FN PanelTask(const LinearArgs& args, int which, int index) : panel(index), row(Tid() % kPanelRows) {
    weight = Choose(which == 0, args.weights[0], args.weights[1]);
  }

  // A sum as the product has it; 0 beyond the last row.
  GPU_FN float Finished(const LinearArgs& args, int panel_row, float sum) const {
    const int column = panel * kPanelRows + panel_row;
    if (column >= args.n) return 0.0f;
    if (weight.row_scales != nullptr) sum *= weight.row_scales[column];
    if (weight.bias != nullptr) sum += weight.bias[column];
    return sum;
  }

  GPU_FN void Store(const LinearArgs& args, int token, int panel_row, float product) const {
    const int column = panel * kPanelRows + panel_row;
    if (column >= args.n) return;
    weight.y[int64_t{token} * args.n + column] = product;
  }

 private:
  // Field by field, so that no copy of the arguments lies in memory.
  GPU_FN static LinearWeight Choose(bool first, const LinearWeight& a, const LinearWeight& b) {
    return {.panels = first ? a.panels : b.panels,
            .row_scales = first ? a.row_scales : b.row_scales,
            .bias = first ? a.bias : b.bias,
            .y = first ? a.y : b.y};
  }
};

// gated_mlp's result for the thread's row of a panel. All lanes of the warp call, 32 for one token; nothing is stored for a
// token that does not exist.
GPU_FN void StoreGated(const LinearArgs& args, int panel, int token, bool exists, float gate, float up) {
  StoreElement(args.out_dtype, args.out + int64_t{token} * args.out_row_bytes, exists ? args.n : 0,
               panel * kPanelRows + Tid() % kPanelRows, Activate(args.activation, gate) * up);
}

// Any number added to it is that number, -0 included: the outer sum of rule 3 starts from its first chunk.
inline constexpr float kEmptySum = -0.0f;

}  // namespace engine::gpu
