// One row of sample (ops/sample.h), step by step: the reference, and the steps that kernels share with it.
#pragma once

#include <span>

#include "ops/sample.h"

namespace engine {

// logits: the row's first `vocab`.
SampledToken SampleRow(std::span<const float> logits, const SamplingRow& row,
                       std::span<const TokenAdjustment> adjustments);

// Step 2 of the contract on one logit.
float AdjustLogit(float logit, const SamplingRow& row, const TokenAdjustment& adjustment);

// Step 6: the random number of the row, scaled to integers below `total`.
uint64_t DrawTarget(const SamplingRow& row, uint64_t total);

}  // namespace engine
