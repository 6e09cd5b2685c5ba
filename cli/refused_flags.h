// Flags of vLLM, LMDeploy and llama.cpp that ask for what is not done here, or is asked for in another way. They are known
// so that who types them reads what to do instead; --help leaves them out.
#pragma once

#include "cli/flags.h"

namespace engine {

void AddRefusedFlags(FlagSet& flags);

}  // namespace engine
