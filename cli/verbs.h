// The verbs of the command line, a file each. Each takes the arguments behind its name and returns when it is done;
// main.cc turns the status into a message and an exit code.
#pragma once

#include <span>
#include <string>

#include "core/base/status.h"

namespace engine {

using Arguments = std::span<const std::string>;

absl::Status RunVerb(Arguments arguments);
absl::Status ServeVerb(Arguments arguments);
absl::Status BenchVerb(Arguments arguments);
absl::Status BenchOpsVerb(Arguments arguments);    // `engine bench ops`, called by BenchVerb
absl::Status BenchServeVerb(Arguments arguments);  // `engine bench serve`, likewise
absl::Status DevicesVerb(Arguments arguments);
absl::Status KernelsVerb(Arguments arguments);
absl::Status SelftestVerb(Arguments arguments);
absl::Status ModelsVerb(Arguments arguments);
absl::Status PullVerb(Arguments arguments);
absl::Status PackVerb(Arguments arguments);
absl::Status PlanVerb(Arguments arguments);
absl::Status EvalVerb(Arguments arguments);

}  // namespace engine
