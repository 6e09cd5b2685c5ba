// Where a prompt comes from.
#pragma once

#include <optional>
#include <string>

#include "core/base/status.h"

namespace engine {

// `text` as it is, or all of stdin if it is "-"; else the file at `path`; else stdin, unless that is a terminal: then
// there is no prompt.
absl::StatusOr<std::optional<std::string>> ReadPrompt(const std::optional<std::string>& text,
                                                      const std::optional<std::string>& path);

}  // namespace engine
