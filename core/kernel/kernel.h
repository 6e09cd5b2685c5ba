// A prepared kernel: one per op node, with a variant for each range of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/thread_team.h"
#include "core/device/step_extents.h"
#include "core/kernel/numerics.h"
#include "core/kernel/problem.h"
#include "core/tensor/tensor.h"

namespace engine {

struct LaunchArgs {
  std::span<const Tensor> in;
  std::span<const Tensor> out;
  std::span<std::byte> scratch;  // Kernel::scratch_bytes(), shared by all workers, contents undefined
  const StepExtents& extents;
  Worker& worker;
  Stream* stream = nullptr;  // where a GPU's kernel enqueues its work; null on the CPU
};

class Kernel {
 public:
  virtual ~Kernel() = default;

  // Called by every worker of the device with the same arguments but its own worker. Allocates nothing, reads nothing
  // from the host, cannot fail (an error of a GPU sticks to its stream). Outputs are complete when every worker has
  // returned, on a GPU when the stream has come that far.
  virtual void Launch(const LaunchArgs& args) const = 0;

  // Whether a launch over these extents is less work than two barriers: one worker then runs it while the others wait.
  virtual bool is_solo(const StepExtents&) const { return false; }

  // Booked once for the program, granted to each launch.
  virtual int64_t scratch_bytes() const { return 0; }
};

struct KernelEntry {
  std::string_view name;  // "linear.panel16.avx512"
  const OpSchema* op = nullptr;
  Exactness exactness = Exactness::kExact;

  // OK, or the reason it declines: that sentence is what the user reads.
  absl::Status (*supports)(const Problem& problem) = nullptr;

  // Optional. Layouts in which it takes the weight at in[index], best first. Null: row-major.
  std::span<const LayoutId> (*weight_layouts)(const Problem& problem, int index) = nullptr;

  // May allocate, create library primitives and tune. May still decline with a reason; selection then goes on.
  absl::StatusOr<std::unique_ptr<Kernel>> (*prepare)(const Problem& problem) = nullptr;
};

inline constexpr std::string_view kReferenceName = "reference";

// The op's reference as the last entry of every list.
KernelEntry ReferenceKernel(const OpSchema& schema);

}  // namespace engine
