// Ordered kernel lists per device kind, and the walk that chooses from them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/kernel/kernel.h"
#include "core/kernel/weight_layout.h"

namespace engine {

// One line of `engine kernels`: an entry that was asked, and its answer.
struct Candidate {
  std::string_view entry;
  Exactness exactness;
  absl::Status answer;  // OK for the chosen one
};

struct Selection {
  const KernelEntry* entry = nullptr;  // null: none supports the problem
  std::vector<Candidate> walk;
};

class KernelRegistry {
 public:
  // Order is preference; the reference is added last.
  void Add(std::string_view device_kind, KernelEntry entry);
  void Add(std::string_view device_kind, const WeightLayout& layout);

  // The first entry that supports the problem at its level; `start` skips entries already tried (selection goes on
  // after a prepare that declined).
  Selection Select(const Problem& problem, int start = 0) const;

  std::vector<const KernelEntry*> Entries(std::string_view device_kind, std::string_view op_name) const;
  // Null when the device has no such layout.
  const WeightLayout* FindLayout(std::string_view device_kind, LayoutId id) const;

 private:
  struct DeviceEntry {
    std::string_view device_kind;
    KernelEntry entry;
  };
  struct DeviceLayout {
    std::string_view device_kind;
    const WeightLayout* layout;
  };
  std::vector<std::unique_ptr<DeviceEntry>> entries_;  // stable addresses: selections point into it
  std::vector<DeviceLayout> layouts_;
};

}  // namespace engine
