// The weights of a graph that is being built. Using one declares it: there is no second list to keep in step.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/builder.h"
#include "core/weights/weight_spec.h"
#include "models/weight_catalog.h"

namespace engine {

class GraphWeights {
 public:
  // What a tensor of n rows gives each device: all of them, or one of so many slices.
  struct Rows {
    int64_t n;
    int slices = 1;
    int64_t interleaved_head_rows = 0;  // as WeightSpec has it

    int64_t of_slice() const { return n / slices; }
  };

  // Borrows both. A tensor that is missing or has another shape fails the graph.
  GraphWeights(const WeightCatalog& catalog, GraphBuilder& graph) : catalog_(catalog), graph_(graph) {}

  // [n, k] as it is stored, in a layout that is open; the same value however often it is asked for. tensor: in the
  // checkpoint, where it has another name.
  ValueId Matrix(const std::string& name, const Rows& rows, int64_t k, const std::string& tensor = "");
  // [n] in f32.
  ValueId Vector(const std::string& name, const Rows& rows);
  // x and the weight, and the scales of its rows where it needs some. name: of the weight, without ".weight".
  std::vector<ValueId> ProductInputs(ValueId x, ValueId weight, const std::string& name, const Rows& rows);
  ValueId RowScales(const std::string& name, const Rows& rows);
  // [n, k] in f32 that no checkpoint holds.
  ValueId Computed(const std::string& name, int64_t n, int64_t k,
                   std::function<void(int64_t first_row, std::span<float> rows)> compute);

  std::vector<WeightSpec> Take() && { return std::move(specs_); }

 private:
  const WeightCatalog& catalog_;
  GraphBuilder& graph_;
  std::vector<WeightSpec> specs_;
  std::vector<std::pair<std::string, ValueId>> matrices_;  // made so far
};

}  // namespace engine
