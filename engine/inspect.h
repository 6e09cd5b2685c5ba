// What can be said about this machine and a model without loading weights.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/memory_plan.h"

namespace engine {

struct DeviceReport {
  std::string name;    // what EngineOptions::device takes
  absl::Status state;  // OK, or why it cannot be used here; the rest is set when it is OK
  std::string description;
  std::string isa;
  int workers = 0;
  int64_t memory_bytes = 0;
  std::vector<std::string> remarks;  // what it can and what it lacks, a line each
};

// Every device kind of the product, usable or not.
std::vector<DeviceReport> InspectDevices();

// Architectures that can be loaded, as config.json names them.
std::vector<std::string> SupportedArchitectures();

// Whether what lies at `path` is a model that can be loaded, weights unread: whole files, a known architecture, a
// tokenizer.
absl::Status CheckModel(const std::string& path);

struct KernelCandidate {
  std::string kernel;
  std::string exactness;
  std::string declined;  // why; empty for the one that runs
};

struct OpReport {
  std::string op;                           // with attributes: "rms_norm{epsilon=1e-05}"
  std::string types;                        // "f32[tokens, 576] … -> f32[tokens, 576]"
  int count = 1;                            // ops of the model that read the same
  std::vector<KernelCandidate> candidates;  // in order of preference, the one that runs last
};

struct PlanReport {
  std::string model;  // its path
  std::string device;
  int devices = 1;  // of which each takes what `memory` says
  std::string architecture;
  int max_model_len = 0;
  int max_num_seqs = 0;
  int max_num_batched_tokens = 0;
  MemoryPlan memory;
};

// What Engine::CreateTogether would take with these options, of at least one model: of each, and behind it of the one that
// drafts for it. A single one that does not fit is reported with the reason; of several the error names it.
absl::StatusOr<std::vector<PlanReport>> InspectPlans(std::span<const EngineOptions> options);
absl::StatusOr<PlanReport> InspectPlan(const EngineOptions& options);  // the first of them

// The ops of the compiled model, equal ones once, in the order they first run.
absl::StatusOr<std::vector<OpReport>> InspectKernels(const EngineOptions& options);

}  // namespace engine
