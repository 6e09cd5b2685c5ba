// How tokens are chosen, as flags. Defaults are what `sampling` holds when they are applied. Limits are the engine's:
// it refuses a value with the name of its field.
#pragma once

#include "cli/flags.h"
#include "core/runtime/sampling_params.h"

namespace engine {

void AddSamplingFlags(FlagSet& flags, SamplingParams& sampling);

}  // namespace engine
