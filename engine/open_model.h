// A model found, understood and given a device, before any of its weights is loaded.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/load_model.h"

namespace engine {

// Those that compute a model together, alike.
using Devices = std::vector<std::shared_ptr<Device>>;

struct OpenedModel {
  std::string path;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<WeightCatalog> catalog;  // borrows checkpoint
  DecoderConfig config;
  Devices devices;  // shared with other models on them
  KernelRegistry registry;
  bool fit_context = false;  // loading sets the longest max_model_len that memory allows
  ModelOptions options;      // what EngineOptions asks for; max_sampled has rows for every sequence and for drafts
  int num_speculative_tokens = 0;

  // The first one. Plans are made for it, as it has the least memory.
  Device& device() const { return *devices.front(); }
};

absl::Status CheckNumSpeculativeTokens(int count);

// Refuses a context longer than the model was trained for. devices: what the model runs on; none: new ones, as the options
// say.
absl::StatusOr<OpenedModel> OpenModel(const EngineOptions& options, Devices devices = {});

// Whether a model can be loaded beside the first of several.
absl::Status CheckSharesDevice(const EngineOptions& first, const EngineOptions& model);

// Where the memory of the model would go. With fit_context this decides max_model_len.
absl::StatusOr<PlannedModel> PlanModel(OpenedModel& opened);
// The same for models that share a device and are not loaded yet: each gets what those before it leave, less what those
// after it cannot do without. Refused, by its path, if one does not fit.
absl::StatusOr<std::vector<PlannedModel>> PlanTogether(std::span<OpenedModel* const> models);

// `opened` must outlive the model.
absl::StatusOr<LoadedModel> LoadModel(OpenedModel& opened, PlannedModel planned);
absl::StatusOr<LoadedModel> LoadModel(OpenedModel& opened);  // plans it, too

// Graph and program alone, for those who only want to look at them.
absl::StatusOr<CompiledModel> CompileModel(const OpenedModel& opened);

}  // namespace engine
