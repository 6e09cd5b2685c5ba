// Whether an engine that runs for long grows or slows down.
#pragma once

#include <span>

#include "core/base/status.h"

namespace engine {

// Half a minute.
struct DriftWindow {
  double resident_mb = 0;
  double share = 0;    // of the least time that the machine would take, which its own changes of speed leave alone
  double memory = 0;   // what the machine could do: bytes per second …
  double linears = 0;  // … and operations per second
};

// Compares the second half of the windows with the first: two at least, none of them from the warm-up. Fails where
// - more memory is resident in the last window than in the first: by 5 MB, or 1 %, whichever is less;
// - the share of the least time is lower by more than 3 % and what the machine's own limits changed by, as a step whose
//   limits move against each other has another share.
absl::Status CheckDrift(std::span<const DriftWindow> windows);

}  // namespace engine
