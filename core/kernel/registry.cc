#include "core/kernel/registry.h"

namespace engine {
namespace {

absl::Status Ask(const KernelEntry& entry, const Problem& problem) {
  if (entry.exactness > problem.level) {
    return FailedPrecondition("its class is %s, and numerics is %s", Name(entry.exactness), Name(problem.level));
  }
  return entry.supports(problem);
}

}  // namespace

void KernelRegistry::Add(std::string_view device_kind, KernelEntry entry) {
  entries_.push_back(std::make_unique<DeviceEntry>(DeviceEntry{device_kind, entry}));
}

void KernelRegistry::Add(std::string_view device_kind, const WeightLayout& layout) {
  layouts_.push_back({device_kind, &layout});
}

Selection KernelRegistry::Select(const Problem& problem, int start) const {
  Selection selection;
  int index = 0;
  for (const KernelEntry* entry : Entries(problem.device.kind, problem.op.name())) {
    if (index++ < start) continue;
    selection.walk.push_back({entry->name, entry->exactness, Ask(*entry, problem)});
    if (selection.walk.back().answer.ok()) {
      selection.entry = entry;
      break;
    }
  }
  return selection;
}

std::vector<const KernelEntry*> KernelRegistry::Entries(std::string_view device_kind, std::string_view op_name) const {
  std::vector<const KernelEntry*> found;
  for (const auto& item : entries_) {
    if (item->device_kind == device_kind && item->entry.op->name == op_name) found.push_back(&item->entry);
  }
  return found;
}

const WeightLayout* KernelRegistry::FindLayout(std::string_view device_kind, LayoutId id) const {
  if (id == kRowMajor) return &RowMajorLayout();
  for (const DeviceLayout& item : layouts_) {
    if (item.device_kind == device_kind && item.layout->id == id) return item.layout;
  }
  return nullptr;
}

}  // namespace engine
