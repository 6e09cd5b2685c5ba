// Every kernel of a device on every case of its op, several times: the reference's bits, inputs as they were, and nothing
// written beside the outputs.
#pragma once

#include "conformance/cases.h"
#include "conformance/check_case.h"
#include "selftest/self_test.h"

namespace engine {

// One check per op.
void CheckKernels(const ConformanceDevice& device, const CheckSink& report, std::span<const OpCases> ops = kOpCases);

}  // namespace engine
