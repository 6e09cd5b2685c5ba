// Whole models on a device, with exact numerics: the CPU's logits and tokens, to the bit.
#pragma once

#include "selftest/self_test.h"

namespace engine {

// Two small models, many times; on a GPU once more with guards around every allocation.
void CheckBuiltInModels(const SelfTestOptions& options, const CheckSink& report);

// A model of the user's; on a GPU once more with guards.
void CheckModel(const SelfTestOptions& options, const std::string& path, const CheckSink& report);

}  // namespace engine
