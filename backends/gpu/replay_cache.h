// The graphs of a stream: one for each step that has come up again, by program and extents.
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
  };

  explicit ReplayCache(GpuDriver& driver) : driver_(driver) {}
  ReplayCache(const ReplayCache&) = delete;
  ReplayCache& operator=(const ReplayCache&) = delete;
  ~ReplayCache();

  // Whether the step has been found before, and its entry, valid until the next call. Forgets the step that was used
  // longest ago where there are too many.
  struct Found {
    bool again;
    Entry& entry;
  };
  Found Find(const Program& program, const StepExtents& extents);

  // Steps that have some.
  int num_graphs() const;

 private:
  void Destroy(const Entry& entry);

  GpuDriver& driver_;
  uint64_t uses_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace engine::gpu
