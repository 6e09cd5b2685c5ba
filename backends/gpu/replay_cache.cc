#include "backends/gpu/replay_cache.h"

#include <algorithm>

namespace engine::gpu {
namespace {

// Batches of 1, 2, 4, ... 256 at a few lengths of context. Those of a large model are some megabytes each.
constexpr size_t kMostEntries = 64;
// A step has one for each part between collectives, two a layer, and each takes memory of its own beside that of its
// kernels. So many leave 25 steps of a model of 40 layers.
constexpr size_t kMostGraphs = 2048;

}  // namespace

ReplayCache::~ReplayCache() {
  for (const Entry& entry : entries_) Destroy(entry);
}

void ReplayCache::Destroy(const Entry& entry) {
  for (const GpuGraph graph : entry.graphs) {
    if (graph.handle != nullptr) driver_.Destroy(graph);
  }
}

void ReplayCache::GiveUp(Entry& entry) {
  Destroy(entry);
  entry.graphs.clear();
  entry.can_replay = false;
}

// The one that was used longest ago.
void ReplayCache::ForgetOldest() {
  const auto oldest = std::ranges::min_element(entries_, {}, &Entry::last_use);
  Destroy(*oldest);
  std::swap(*oldest, entries_.back());
  entries_.pop_back();
}

ReplayCache::Found ReplayCache::Find(const Program& program, const StepExtents& extents) {
  ++uses_;
  while (CountGraphs() > kMostGraphs) ForgetOldest();
  const auto same = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.program == &program && entry.extents == extents; });
  if (same != entries_.end()) {
    same->last_use = uses_;
    return {true, *same};
  }
  if (entries_.size() == kMostEntries) ForgetOldest();
  entries_.push_back({.program = &program, .extents = extents, .last_use = uses_});
  return {false, entries_.back()};
}

size_t ReplayCache::CountGraphs() const {
  size_t count = 0;
  for (const Entry& entry : entries_) count += entry.graphs.size();
  return count;
}

int ReplayCache::num_steps() const {
  return static_cast<int>(std::ranges::count_if(entries_, [](const Entry& e) { return !e.graphs.empty(); }));
}

}  // namespace engine::gpu
