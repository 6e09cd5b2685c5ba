// A load with its kernel and its memory, ready to be launched.
#pragma once

#include <memory>
#include <vector>

#include "benchmarks/op_load.h"
#include "core/device/buffer.h"
#include "core/kernel/registry.h"

namespace engine {

class PreparedOp {
 public:
  // The named entry, or the first that prepares if `entry` is empty. Weights and caches fill `copies`, as
  // often as they fit; it grows if they do not, and must outlive this.
  static absl::StatusOr<PreparedOp> Create(const OpLoad& load, const KernelRegistry& registry, Device& device,
                                           Numerics level, std::string_view entry, Buffer& copies);

  // OK, or why this entry cannot run the load.
  static absl::Status Supports(const OpLoad& load, const KernelEntry& entry, const DeviceInfo& device, Numerics level);

  // Called by every worker of a CPU, or once for a GPU's stream. Each launch has weights and caches of its own until they
  // repeat.
  void Launch(int64_t launch, Worker& worker, Stream* stream = nullptr) const;

  const KernelEntry& entry() const { return *entry_; }
  Cost work() const { return work_; }

 private:
  struct Input {
    std::byte* data;
    int64_t step_bytes;  // from one copy to the next; 0: there is one
  };
  static constexpr int kMostTensors = 8;  // inputs of an op, and outputs; attention has six

  explicit PreparedOp(const OpLoad& load) : load_(&load) {}
  absl::Status Choose(const KernelRegistry& registry, const DeviceInfo& device, Numerics level, std::string_view name);
  absl::Status Prepare(const KernelEntry& entry, const DeviceInfo& device, Numerics level);
  absl::Status PlaceInputs(const KernelRegistry& registry, Device& device, Buffer& copies);
  absl::StatusOr<Input> Place(size_t index, int64_t bytes, std::byte* first_copy, int64_t set_bytes,
                              const KernelRegistry& registry, Device& device, Stream& stream);
  absl::Status PlaceOutputs(Device& device);

  const OpLoad* load_;
  std::vector<TensorSpec> in_specs_, out_specs_;
  const KernelEntry* entry_ = nullptr;
  std::unique_ptr<Kernel> kernel_;
  Cost work_;
  std::vector<Buffer> owned_;  // whatever does not rotate
  std::vector<Input> inputs_;
  std::vector<std::byte*> outputs_;
  std::span<std::byte> scratch_;
  int64_t num_copies_ = 1;
};

}  // namespace engine
