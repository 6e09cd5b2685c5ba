// A model found, understood and given a device, before any of its weights is loaded.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "engine/load_model.h"

namespace engine {

struct OpenedModel {
  std::string path;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<WeightCatalog> catalog;  // borrows checkpoint
  DecoderConfig config;
  std::unique_ptr<Device> device;  // null where it runs on the device of another model
  KernelRegistry registry;
  bool fit_context = false;  // loading sets the longest max_model_len that memory allows
  ModelOptions options;      // what EngineOptions asks for; max_sampled has rows for every sequence and for drafts
  int num_speculative_tokens = 0;
};

absl::Status CheckNumSpeculativeTokens(int count);

// Refuses a context longer than the model was trained for.
absl::StatusOr<OpenedModel> OpenModel(const EngineOptions& options);

// The same for a model that will run on the device of another, without one of its own.
absl::StatusOr<OpenedModel> OpenModelOn(const Device& device, const EngineOptions& options);

// `opened` must outlive the model.
absl::StatusOr<LoadedModel> LoadModel(OpenedModel& opened);
absl::StatusOr<LoadedModel> LoadModelOn(Device& device, OpenedModel& opened);

// Where the memory of the model would go. With fit_context this decides max_model_len.
absl::StatusOr<MemoryPlan> PlanModel(OpenedModel& opened);

// Graph and program alone, for those who only want to look at them.
absl::StatusOr<CompiledModel> CompileModel(const OpenedModel& opened);

}  // namespace engine
