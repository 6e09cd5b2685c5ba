// From a checkpoint to a model that can run a step: graph, kernels, memory, weights.
#pragma once

#include <memory>

#include "core/kernel/registry.h"
#include "core/runtime/scheduler.h"
#include "engine/memory_plan.h"
#include "engine/runner.h"
#include "models/models.h"

namespace engine {

struct ModelOptions {
  Numerics numerics = Numerics::kInvariant;
  SchedulerConfig limits;
  std::optional<DType> kv_dtype;  // default: what the checkpoint's weights suggest
  // Where other models share the device's memory:
  int64_t reserved_bytes = 0;  // what those take that come before this one
  int64_t later_bytes = 0;     // what those after it cannot do without
  int num_later = 0;           // those, each of which may have as much of the rest for its cache as this one

  int64_t kv_cache_bytes = 0;    // 0: as memory_utilization says (engine/memory_plan.h)
  float memory_utilization = 0;  // the device's memory that everything may take; 0: a cache of its own size
  int ranks = 1;                 // devices that compute it together
  int vocab = 0;                 // ids the tokenizer has; 0: the embedding table's rows
  bool hidden_states = false;    // steps keep them, for Runner::HiddenStates
  LoadProgress progress;
  std::function<void(const std::string&)> warn;
};

struct LoadedModel {
  std::vector<CacheGroup> cache_groups;
  MemoryPlan memory;
  int vocab = 0;  // ids that can be sampled or fed
  std::unique_ptr<Runner> runner;
};

// A model without its weights: which kernels run, how much memory a step takes.
struct CompiledModel {
  BuiltModel model;
  Program program;
  int vocab = 0;  // as in LoadedModel
};
// Refuses more sequences than a step can number the sampling adjustments of.
absl::StatusOr<CompiledModel> CompileModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                           const KernelRegistry& registry, const DeviceInfo& device,
                                           const ModelOptions& options);

// The same with what it will take; memory.fits says whether it may be loaded.
struct PlannedModel {
  CompiledModel compiled;
  MemoryPlan memory;
};
absl::StatusOr<PlannedModel> PlanModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                       const KernelRegistry& registry, const DeviceInfo& device,
                                       const ModelOptions& options);

// `checkpoint` must outlive the model: weights may stay in its mapping. As many devices as options.ranks, alike.
absl::StatusOr<LoadedModel> LoadModel(const Checkpoint& checkpoint, PlannedModel planned,
                                      const KernelRegistry& registry, std::span<const std::shared_ptr<Device>> devices,
                                      const ModelOptions& options);

// For the model's steps: its caches get memory as blocks are handed out. The model outlives it. `warn` is told when memory
// is short.
absl::StatusOr<Scheduler> NewScheduler(const LoadedModel& model, const SchedulerConfig& limits,
                                       const std::function<void(const std::string&)>& warn = nullptr);

}  // namespace engine
