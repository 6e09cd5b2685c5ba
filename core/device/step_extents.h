// Sizes that only the step knows.
#pragma once

#include <cstdint>

#include "core/tensor/shape.h"

namespace engine {

struct StepExtents {
  int tokens = 0;
  int sequences = 0;
  int sampled = 0;
  int decode_sequences = 0;  // the first sequences of the step, with one token each
  int max_query = 0;         // most tokens of one sequence in this step
  int max_context = 0;       // longest sequence, new tokens included

  bool operator==(const StepExtents&) const = default;
};

// A leading dimension as a number. kBlocks belongs to the memory plan and is not resolved here.
inline int64_t Resolve(int64_t dim, const StepExtents& extents) {
  switch (dim) {
    case kTokens:
      return extents.tokens;
    case kSequences:
      return extents.sequences;
    case kSampled:
      return extents.sampled;
    default:
      return dim;
  }
}

}  // namespace engine
