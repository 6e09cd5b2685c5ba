// One row of sample (ops/sample.h), step by step: the reference.
#pragma once

#include <span>

#include "core/kernel/kernel.h"
#include "ops/sample.h"

namespace engine {

// logits: the row's first `vocab`. mask: its words, or nothing if every token may be drawn.
SampledToken SampleRow(std::span<const float> logits, const SamplingRow& row,
                       std::span<const TokenAdjustment> adjustments, std::span<const uint32_t> mask = {});

// The words of row m's mask; nothing if the row is not masked.
std::span<const uint32_t> MaskOfRow(const Tensor& masks, int64_t m, const SamplingRow& row, int64_t vocab);

// The second half of step 2: -inf for the tokens that the mask leaves out.
void ForbidOthers(std::span<const uint32_t> mask, std::span<float> adjusted);

}  // namespace engine
