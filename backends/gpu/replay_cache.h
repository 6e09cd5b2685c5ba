// The graphs of a stream: those of each step that has come up again, by program and extents.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/gpu/driver.h"
#include "core/device/step_extents.h"

namespace engine::gpu {

class ReplayCache {
 public:
  struct Entry {
    const Program* program = nullptr;
    StepExtents extents;
    uint64_t last_use = 0;
    // By number of its part of the program. None before the second use: most steps of prompts come once.
    std::vector<GpuGraph> graphs = {};
    bool can_replay = true;
  };

  explicit ReplayCache(GpuDriver& driver) : driver_(driver) {}
  ReplayCache(const ReplayCache&) = delete;
  ReplayCache& operator=(const ReplayCache&) = delete;
  ~ReplayCache();

  // Whether the step has been found before, and its entry, valid until the next call. Forgets the steps that were used
  // longest ago where there are too many of them or of their graphs.
  struct Found {
    bool again;
    Entry& entry;
  };
  Found Find(const Program& program, const StepExtents& extents);

  // The driver has no graph for it: until it is forgotten, it is not asked for one again.
  void GiveUp(Entry& entry);

  // Those that have graphs.
  int num_steps() const;

 private:
  void Destroy(const Entry& entry);
  void ForgetOldest();
  size_t CountGraphs() const;

  GpuDriver& driver_;
  uint64_t uses_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace engine::gpu
