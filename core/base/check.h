// ENGINE_CHECK is for our own bugs only: what a user, file or device can cause returns a Status.
#pragma once

namespace engine {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace engine

#define ENGINE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::engine::CheckFailed(#condition, __FILE__, __LINE__))
