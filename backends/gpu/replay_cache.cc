#include "backends/gpu/replay_cache.h"

#include <algorithm>

namespace engine::gpu {
namespace {

// Batches of 1, 2, 4, ... 256 at a few lengths of context. A graph of a large model is some megabytes.
constexpr size_t kMostEntries = 64;

}  // namespace

ReplayCache::~ReplayCache() {
  for (const Entry& entry : entries_) Destroy(entry);
}

void ReplayCache::Destroy(const Entry& entry) {
  for (const GpuGraph graph : entry.graphs) {
    if (graph.handle != nullptr) driver_.Destroy(graph);
  }
}

ReplayCache::Found ReplayCache::Find(const Program& program, const StepExtents& extents) {
  ++uses_;
  const auto same = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.program == &program && entry.extents == extents; });
  if (same != entries_.end()) {
    same->last_use = uses_;
    return {true, *same};
  }
  if (entries_.size() < kMostEntries) entries_.emplace_back();
  Entry& entry = *std::ranges::min_element(entries_, {}, &Entry::last_use);
  Destroy(entry);
  entry = {.program = &program, .extents = extents, .last_use = uses_};
  return {false, entry};
}

int ReplayCache::num_graphs() const {
  return static_cast<int>(std::ranges::count_if(entries_, [](const Entry& e) { return !e.graphs.empty(); }));
}

}  // namespace engine::gpu
