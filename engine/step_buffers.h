// A step's inputs as the graph reads them: one array per step input, at addresses that never change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/device/device.h"
#include "core/graph/program.h"
#include "core/kv/cache_spec.h"
#include "core/runtime/step_plan.h"
#include "engine/sampling_inputs.h"

namespace engine {

class StepBuffers {
 public:
  // Room for the largest step of `program`, all inputs in one blob. Blocks are numbered as a layer finds them in its
  // group's pool (BlockInPool).
  static absl::StatusOr<StepBuffers> Create(const Program& program, const std::vector<CacheGroup>& groups,
                                            int vocab_size, Device& device);

  // Fills the inputs from a plan whose sequences and block tables are those of this step.
  void Fill(const StepPlan& plan);

  // Where the input `name` lies, or null.
  std::byte* Find(std::string_view name) const;

 private:
  struct GroupInputs {
    int32_t* slots;
    int32_t* block_table;
    int64_t width;
    int32_t layers;
  };

  explicit StepBuffers(int vocab_size) : sampling_(vocab_size) {}
  int32_t* Ints(std::string_view name) const { return reinterpret_cast<int32_t*>(Find(name)); }
  void FillTokens(const StepPlan& plan);
  void FillSequence(const ScheduledSequence& part, int index);
  void FillGroup(const ScheduledSequence& part, int index, const BlockTable& table, const GroupInputs& group);

  Buffer blob_;
  std::map<std::string, std::byte*, std::less<>> inputs_;
  SamplingInputs sampling_;
  std::vector<GroupInputs> groups_;
  int32_t* tokens_ = nullptr;
  int32_t* positions_ = nullptr;
  int32_t* query_start_ = nullptr;
  int32_t* query_length_ = nullptr;
  int32_t* context_length_ = nullptr;
  int32_t* sampled_rows_ = nullptr;
};

}  // namespace engine
