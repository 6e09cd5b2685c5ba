// One row of sample (ops/sample.h), step by step: the reference.
#pragma once

#include <span>

#include "ops/sample.h"

namespace engine {

// logits: the row's first `vocab`.
SampledToken SampleRow(std::span<const float> logits, const SamplingRow& row,
                       std::span<const TokenAdjustment> adjustments);

}  // namespace engine
