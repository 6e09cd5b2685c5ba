// Gives every weight one layout that all of its consumers take.
#pragma once

#include "core/graph/program.h"

namespace engine {

// Sets the layout of each weight in `program.graph` from the entries selected in `program.steps`: the first layout in
// its first consumer's order that every other consumer takes too. A weight is stored once, so disagreement is an error.
absl::Status ChooseWeightLayouts(Program& program, Numerics level, const DeviceInfo& device);

}  // namespace engine
