// What a device can do at best, measured on itself, and how much of that copies and kernels reach. Figures, not verdicts.
#pragma once

#include "selftest/self_test.h"

namespace engine {

void CheckSpeed(const SelfTestOptions& options, const CheckSink& report);

// Tokens per second of a model's prompts and answers.
void CheckModelSpeed(const SelfTestOptions& options, const std::string& path, const CheckSink& report);

}  // namespace engine
