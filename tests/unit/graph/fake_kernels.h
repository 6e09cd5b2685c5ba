// Kernels that compute nothing, to see which of them a compiler chooses.
#pragma once

#include <string_view>

#include "core/kernel/registry.h"

namespace engine {

struct FakeKernel : Kernel {
  explicit FakeKernel(int64_t scratch_bytes) : scratch(scratch_bytes) {}
  void Launch(const LaunchArgs&) const override {}
  int64_t scratch_bytes() const override { return scratch; }
  int64_t scratch;
};

// Takes everything, row-major. Tests change what they are about.
inline KernelEntry FakeEntry(std::string_view name, const OpSchema& schema) {
  return {.name = name,
          .op = &schema,
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem&) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<FakeKernel>(0);
          }};
}

inline constexpr LayoutId kTestLayout{"test"};
inline constexpr LayoutId kOtherLayout{"other"};

}  // namespace engine
