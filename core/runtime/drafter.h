// Proposes what may follow a sequence. Any proposal is correct, for each is verified; a bad one is slow.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/status.h"
#include "core/runtime/sequence.h"

namespace engine {

// One sequence that takes a draft (Scheduler::TakesDraft).
struct DraftSlot {
  const Sequence* sequence = nullptr;
  int most = 0;  // tokens to propose at most
  Draft draft;   // filled by the drafter, except for `verify`
};

// Belongs to the engine thread, between two steps.
class Drafter {
 public:
  virtual ~Drafter() = default;

  // `slots` are all sequences that take a draft now; drafters with a state per sequence drop that of the others.
  virtual absl::Status Propose(std::span<DraftSlot> slots) = 0;

  // How often proposals of a class are right, as long as nothing is known of the sequence.
  virtual float Prior(uint8_t evidence) const = 0;

  // How long a proposal takes for each of its tokens; 0 where that is nothing beside a step.
  virtual double seconds_per_token() const = 0;
};

}  // namespace engine
