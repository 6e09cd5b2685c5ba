// One row of sample (ops/sample.h), step by step: the reference, and what kernels fall back to for rare parameters.
#pragma once

#include <span>
#include <vector>

#include "ops/sample.h"

namespace engine {

// logits: the row's first `vocab`.
SampledToken SampleRow(std::span<const float> logits, const SamplingRow& row,
                       std::span<const TokenAdjustment> adjustments);

// Step 2 of the contract on one logit.
float AdjustLogit(float logit, const SamplingRow& row, const TokenAdjustment& adjustment);

// Steps 4 to 6: a token from adjusted logits whose largest is finite, at a temperature above 0.
int32_t DrawToken(std::span<const float> adjusted, const SamplingRow& row);

// Step 6: the random number of the row, scaled to integers below `total`.
uint64_t DrawTarget(const SamplingRow& row, uint64_t total);

// Fills logprob and top of a sample whose id is set.
void SetLogprobs(std::span<const float> logits, int num_logprobs, SampledToken& sampled);

}  // namespace engine
