// Errors of the person who typed the command, told apart from failures: exit code 2 instead of 1.
#pragma once

#include "core/base/status.h"

namespace engine {

absl::Status MarkUsageError(absl::Status status);
bool IsUsageError(const absl::Status& status);

template <typename... Args>
absl::Status UsageError(const absl::FormatSpec<Args...>& format, const Args&... args) {
  return MarkUsageError(InvalidArgument(format, args...));
}

}  // namespace engine
