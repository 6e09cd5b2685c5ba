// One kernel entry prepared for a case and launched over its steps in fenced, poisoned memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/launcher.h"
#include "conformance/op_case.h"
#include "core/kernel/registry.h"

namespace engine {

// Rows [first_row, first_row + rows of extents) of a case.
struct Slice {
  StepExtents extents;
  int64_t first_row = 0;
};

// What a launch leaves: every output, and the mutated input last.
using Results = std::vector<std::vector<std::byte>>;

class KernelRun {
 public:
  // Packs the case's weights as `layout` and prepares the entry for at most the rows of the largest step. The status is
  // the entry's reason for declining. Borrows all.
  static absl::StatusOr<KernelRun> Create(const OpCase& op_case, const KernelEntry& entry, const WeightLayout& layout,
                                          const DeviceInfo& device);

  // Fails when the kernel wrote outside its outputs and scratch, or changed an input.
  absl::StatusOr<Results> Launch(const Slice& slice, Launcher& launcher) const;

  const std::vector<TensorSpec>& out_specs() const { return out_specs_; }

 private:
  explicit KernelRun(const OpCase& op_case) : op_case_(&op_case) {}

  std::vector<std::byte> InputBytes(size_t index, const Slice& slice) const;

  const OpCase* op_case_;
  int64_t row_dim_ = 0;
  std::vector<TensorSpec> in_specs_;
  std::vector<TensorSpec> out_specs_;
  std::vector<std::vector<std::byte>> packed_;  // per input; empty where it is not a weight
  std::unique_ptr<Kernel> kernel_;
};

// Layouts that the entry takes the case's weights in; row-major when it has no opinion. Its reason if it declines.
absl::StatusOr<std::vector<LayoutId>> LayoutsOf(const OpCase& op_case, const KernelEntry& entry,
                                                const DeviceInfo& device);

}  // namespace engine
