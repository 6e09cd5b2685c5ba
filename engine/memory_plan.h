// Where the memory of a model goes, known before any of it is taken. Loading takes what the plan says and refuses what
// does not fit.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/status.h"

namespace engine {

struct MemoryPlan {
  int64_t weight_bytes = 0;       // packed or mapped, in the layouts of the kernels that will run
  int64_t kv_cache_bytes = 0;     // of whole pools; memory that the host shares is taken as it is first used
  int64_t context_bytes = 0;      // of that, what one sequence of max_model_len tokens takes
  int64_t activation_bytes = 0;   // what one op of a step leaves for another, at the largest step
  int64_t workspace_bytes = 0;    // what kernels need beside that
  int64_t step_bytes = 0;         // inputs of a step, logits and samples
  int64_t process_bytes = 0;      // program and vocabulary, where the device shares the host's memory
  int64_t limit_bytes = 0;        // what all of these may take together
  std::vector<int> num_blocks;    // of each cache group's pool
  std::vector<int> least_blocks;  // of them, what one context takes: they have memory from the start
  bool grows = false;             // the others get it as they are used
  absl::Status fits;              // or what to change

  int64_t total_bytes() const {
    return weight_bytes + kv_cache_bytes + activation_bytes + workspace_bytes + step_bytes + process_bytes;
  }
  // The bytes that another model takes beside, which belongs to this one.
  void Add(const MemoryPlan& other);
};

struct CacheGroup;
struct DeviceInfo;
struct ModelOptions;
struct Program;
struct SchedulerConfig;
class KernelRegistry;

// The largest slice that the program gathers from other devices. 0: it gathers none.
int64_t SliceBytes(const Program& program);

// Of a compiled model, on each of the devices that compute it together. Everything but the cache follows from the
// program; the cache gets, in this order: what options.kv_cache_bytes says; the rest of memory_utilization; room for
// max_num_seqs full contexts, at most a quarter of the memory. Of a rest that other models share it gets an equal part.
// At least one full context, or max_model_len could not be reached.
MemoryPlan PlanMemory(const Program& program, const std::vector<CacheGroup>& groups, const KernelRegistry& registry,
                      const DeviceInfo& device, const ModelOptions& options);

// The least that a model can be loaded into, with a cache for one context of `tokens` tokens or of the size asked for.
int64_t LeastMemory(const Program& program, const std::vector<CacheGroup>& groups, const KernelRegistry& registry,
                    const DeviceInfo& device, const ModelOptions& options, int tokens);

// The longest context up to `longest` for which such a plan fits, if the program takes what `plan` says. 0: none.
int LongestContext(const MemoryPlan& plan, const std::vector<CacheGroup>& groups, const ModelOptions& options,
                   int longest);

}  // namespace engine
