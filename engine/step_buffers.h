// A step's inputs as the graph reads them: one array per step input, at addresses that never change; filled by the host,
// brought to the device by one copy.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/device/staged_buffer.h"
#include "core/graph/program.h"
#include "core/kv/cache_spec.h"
#include "core/runtime/step_plan.h"
#include "engine/sampling_inputs.h"

namespace engine {

class StepBuffers {
 public:
  // For the ranks on `devices`. Room for the largest step of `program`, all inputs in one blob. Blocks are numbered as
  // a layer finds them in its group's pool (BlockInPool).
  static absl::StatusOr<StepBuffers> Create(const Program& program, const std::vector<CacheGroup>& groups,
                                            int vocab_size, std::span<Device* const> devices);

  // Fills the inputs from a plan whose sequences and block tables are those of this step, once the step before is done.
  // Returns the extents to run: the plan's, or more where the device replays steps, with rows that write to no cache.
  StepExtents Fill(const StepPlan& plan);
  // To rank `rank`, on its stream.
  absl::Status Upload(Stream& stream, int rank) const;

  // Of row `row`: written by whoever knows the grammar, before the step is filled.
  std::span<uint32_t> token_mask(int row) const { return {token_masks_ + row * mask_words_, mask_words_}; }

  // Where the rank's device finds the input `name`, or null.
  std::byte* Find(std::string_view name, int rank) const { return AddressIn(BlobOf(rank), name); }

 private:
  struct GroupInputs {
    int32_t* slots;
    int32_t* block_table;
    int64_t width;
    int32_t layers;
  };

  explicit StepBuffers(int vocab_size) : sampling_(vocab_size) {}
  std::byte* AddressIn(std::byte* blob, std::string_view name) const;
  int32_t* Ints(std::string_view name) const { return reinterpret_cast<int32_t*>(AddressIn(blob_.host(), name)); }
  std::byte* BlobOf(int rank) const { return rank == 0 ? blob_.device() : blobs_[rank - 1].data(); }
  StepExtents RoundedUp(const StepExtents& extents) const;
  void FillTokens(const StepPlan& plan);
  void FillSurplus(const StepExtents& begin, const StepExtents& end);
  void FillSequence(const ScheduledSequence& part, int index);
  void FillGroup(const ScheduledSequence& part, int index, const BlockTable& table, const GroupInputs& group);

  StagedBuffer blob_;                                    // of the host and of the first rank
  std::vector<Buffer> blobs_;                            // of the other ranks
  std::map<std::string, int64_t, std::less<>> offsets_;  // of each input
  int64_t used_bytes_ = 0;                               // by the step, of the blob
  SamplingInputs sampling_;
  StepLimits limits_;
  bool rounds_up_ = false;
  std::vector<GroupInputs> groups_;
  int32_t* tokens_ = nullptr;
  int32_t* positions_ = nullptr;
  int32_t* query_start_ = nullptr;
  int32_t* query_length_ = nullptr;
  int32_t* context_length_ = nullptr;
  int32_t* sampled_rows_ = nullptr;
  uint32_t* token_masks_ = nullptr;
  size_t mask_words_ = 0;   // of a row
  size_t masked_rows_ = 0;  // rows of the step up to the last one that is masked
};

}  // namespace engine
