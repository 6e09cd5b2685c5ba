// Drafts without a model: where the last tokens of a sequence occurred before, what followed them then may follow now.
// The longest such context counts, the latest among equally long ones. Its length is the evidence.
#pragma once

#include "core/runtime/drafter.h"

namespace engine {

class PromptLookup : public Drafter {
 public:
  absl::Status Propose(std::span<DraftSlot> slots) override;
  float Prior(uint8_t evidence) const override;
  double seconds_per_token() const override { return 0; }
};

}  // namespace engine
