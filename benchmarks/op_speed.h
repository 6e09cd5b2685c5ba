// Times one kernel entry on one load, through the registry's prepare and Launch, between probes of the machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/op_load.h"
#include "core/kernel/registry.h"

namespace engine {

struct OpResult {
  std::string op, entry, format, shape;
  int64_t rows = 0;
  Cost work;  // of one launch
  Limit limit = Limit::kF32Fmas;
  double seconds = 0;  // of one launch, median
  // Medians of the probes, in bytes and operations per second, and the roof that binds: the one that this work takes
  // longer to reach.
  double memory_roof = 0;
  double compute_roof = 0;
  bool memory_bound = false;
  double share = 0;  // of the binding roof: median over the repetitions, each with the probes before and after it

  double bytes_per_second() const { return static_cast<double>(work.bytes) / seconds; }
  double operations_per_second() const { return static_cast<double>(work.operations) / seconds; }
};

struct OpSpeedOptions {
  int threads = 0;  // 0: as many as the process may run on
  Numerics level = Numerics::kInvariant;
  int repetitions = 5;
  Clock clock = Clock::kWall;
  int64_t copy_bytes = 0;  // of weights and caches, which launches walk through; 0: more than the last cache holds
};

class OpSpeed {
 public:
  // `device` is a name of `engine devices`.
  static absl::StatusOr<std::unique_ptr<OpSpeed>> Create(std::string_view device, const OpSpeedOptions& options);

  // Names of the entries that take this load, in the order of preference; all but the reference.
  std::vector<std::string> EntriesFor(const OpLoad& load) const;

  // `entry` is a name, or empty for the first that prepares.
  absl::StatusOr<OpResult> Measure(const OpLoad& load, std::string_view entry);

  const DeviceInfo& device() const { return device_->info(); }

 private:
  explicit OpSpeed(const OpSpeedOptions& options) : options_(options) {}

  OpSpeedOptions options_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<Roof> roof_;
  std::unique_ptr<Stream> stream_;  // a GPU's
  KernelRegistry registry_;
  Buffer copies_;  // weights and caches of the load at hand
};

}  // namespace engine
