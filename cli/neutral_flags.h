// Flags of vLLM, LMDeploy and llama.cpp that are in people's scripts and say, with these values, what happens here anyway,
// or what no answer shows. With any other value they are refused with the reason: no flag is dropped silently.
#pragma once

#include "cli/flags.h"

namespace engine {

void AddNeutralFlags(FlagSet& flags);

}  // namespace engine
