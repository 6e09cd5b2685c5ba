// Op x case x every kernel entry of a device, against the op's reference:
//   exact      the reference's bits, for every step, layout and number of workers
//   invariant  within the case's bound, and the same bits for a row whatever step it is in
//   fast       within the case's bound
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/conformance/devices.h"
#include "tests/conformance/op_case.h"

namespace engine {

struct Report {
  int launches = 0;
  std::vector<std::string> checked;  // "linear.panel (avx512, panel16)": who ran, in which layout
  std::vector<std::string> failures;
  std::vector<std::string> skips;  // "linear.onednn: w is q4_0[...]": who declined, and why
};

// A case that an entry is known to get wrong. One that passes is a failure: the excuse is stale.
struct ExpectedFailure {
  std::string_view entry;
  std::string_view case_name;
  std::string_view reason;
};

Report CheckCase(const OpCase& op_case, const ConformanceDevice& device,
                 std::span<const ExpectedFailure> expected = {});

// TEST_P in conformance_suite.cc checks one case on every device.
class Conformance : public testing::TestWithParam<NamedCase> {};

inline std::string NameOf(const testing::TestParamInfo<NamedCase>& info) { return info.param.name; }

}  // namespace engine
