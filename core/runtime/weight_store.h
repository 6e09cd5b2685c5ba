// A model's weights on a device: mapped in place where the file has them as kernels read them, else packed once.
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "core/device/device.h"
#include "core/graph/program.h"
#include "core/kernel/registry.h"
#include "core/runtime/pack_weights.h"
#include "core/weights/checkpoint.h"
#include "core/weights/weight_spec.h"

namespace engine {

// The layout of each of `graph`'s weights by its name, which the graph owns.
std::map<std::string_view, LayoutId> WeightLayouts(const Graph& graph);

// One of the devices that compute a model together.
struct RankOf {
  int rank = 0;
  int ranks = 1;
};

class WeightStore {
 public:
  // Layouts are those of `graph`'s weight values, found by name. The store borrows `checkpoint`: large weights whose
  // bytes need no change stay in its mapping. Those of a packed file are in memory when this returns. For a device with
  // memory of its own, weights are packed beside it and copied. Of weights in slices, `rank` has its own.
  static absl::StatusOr<WeightStore> Load(const Checkpoint& checkpoint, const std::vector<WeightSpec>& specs,
                                          const Graph& graph, const KernelRegistry& registry, Device& device,
                                          const LoadProgress& progress, RankOf rank = {});

  // Null for an unknown name.
  std::byte* Find(std::string_view name) const;
  // Those that were read or packed while loading: all but large ones that stay in a checkpoint as it is.
  std::span<const std::span<const std::byte>> in_memory() const { return in_memory_; }
  // Memory of its own, and memory read in place.
  int64_t packed_bytes() const { return packed_bytes_; }
  int64_t mapped_bytes() const { return mapped_bytes_; }
  // Of packed_bytes, what a packed file held in layouts that no chosen kernel takes.
  int64_t repacked_bytes() const { return repacked_bytes_; }

 private:
  std::map<std::string, std::byte*, std::less<>> addresses_;
  Buffer memory_;
  std::vector<std::span<const std::byte>> in_memory_;
  int64_t packed_bytes_ = 0;
  int64_t mapped_bytes_ = 0;
  int64_t repacked_bytes_ = 0;
};

}  // namespace engine
