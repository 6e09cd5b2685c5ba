// A small model that guesses what a large one of the same vocabulary says. It follows each drafting sequence in a cache
// of its own, and draws with the sequence's own sampling parameters and keys: where both models see the same
// distribution, they draw the same token. Its probability of a token is the evidence.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/kv/cache_blocks.h"
#include "core/runtime/drafter.h"
#include "engine/open_model.h"
#include "text/tokenizer.h"

namespace engine {

class DraftModel : public Drafter {
 public:
  // options.draft_model, on the devices of `large`, for sequences within its limits; its memory is planned with that of
  // `large`. Refused if the vocabularies differ, with the first token that does.
  static absl::StatusOr<std::unique_ptr<OpenedModel>> Open(const EngineOptions& options, const OpenedModel& large,
                                                           const Tokenizer& tokenizer);
  static absl::StatusOr<std::unique_ptr<DraftModel>> Load(std::unique_ptr<OpenedModel> opened, PlannedModel planned);

  // Reads what is new in each sequence, then makes the drafts token by token, all sequences together. A sequence for
  // which its cache has no room gets no draft.
  absl::Status Propose(std::span<DraftSlot> slots) override;
  float Prior(uint8_t evidence) const override;
  double seconds_per_token() const override { return seconds_per_token_; }

 private:
  // A sequence as this model knows it: the large model's tokens, then the drafted ones.
  struct Follower {
    Sequence sequence;
    DraftSlot* slot = nullptr;  // of the call of Propose that goes on; null: it has what it gets
    bool is_followed = false;
  };

  DraftModel(std::unique_ptr<OpenedModel> opened, LoadedModel model, std::unique_ptr<CacheBlocks> blocks);

  void DropOthers(std::span<const DraftSlot> slots);
  Follower& Follow(const Sequence& sequence);
  bool Begin(DraftSlot& slot);
  bool PlanStep();
  void PlanParts(bool single, int& budget);
  absl::Status RunStep();
  void Take(const SampledToken& sample, Follower& follower);

  std::unique_ptr<OpenedModel> opened_;
  LoadedModel model_;  // borrows opened_
  std::unique_ptr<CacheBlocks> blocks_;
  std::vector<std::unique_ptr<Follower>> followers_;  // at most one per running sequence
  StepPlan plan_;                                     // reused, like planned_
  std::vector<Follower*> planned_;                    // whose parts plan_ has, in order
  double seconds_per_token_ = 1e-4;                   // little at first, so that it is tried
};

}  // namespace engine
