// How long a request waits for its first token: whether the first request after loading waits longer than later ones, and
// how much is added to the step that reads its prompt.
#pragma once

#include "engine/engine.h"

namespace engine {

struct FirstTokenResult {
  int prompt_tokens = 0;
  // Seconds, medians over the repetitions. A repetition loads the model, sends ten requests one after the other through
  // the public API, and runs the same step by hand.
  double first = 0;  // of the first request
  double later = 0;  // of the sixth to the tenth
  double step = 0;   // of the step alone
  // Medians of the repetitions' own ratios.
  double first_over_later = 0;
  double later_over_step = 0;
};

absl::StatusOr<FirstTokenResult> MeasureFirstToken(EngineOptions options, int prompt_tokens, int repetitions,
                                                   uint64_t seed);

}  // namespace engine
