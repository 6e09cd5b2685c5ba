// A roofline plot: what each kernel reached over its operations per byte, under the machine's limits.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/op_speed.h"

namespace engine {

// A whole SVG document of the results that have operations: colours tell ops apart, or formats where there is one op. The
// limits are the medians of the results' probes. Both axes are logarithmic; a point's title, shown on hover, says what it is.
std::string DrawRoofline(const std::string& title, std::vector<OpResult> results);

}  // namespace engine
