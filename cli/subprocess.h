// Other programs, started by their arguments: no shell reads them.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"

namespace engine {

struct ProcessResult {
  int exit_code = 0;   // 128 + the signal that ended it
  std::string output;  // of stdout, when captured
};

// Runs `arguments`, found in PATH by its first, and waits. stdin is empty; stderr is ours; stdout is captured or, if not,
// goes to our stderr. NotFound when there is no such program.
absl::StatusOr<ProcessResult> RunProcess(const std::vector<std::string>& arguments, bool capture_output);

}  // namespace engine
