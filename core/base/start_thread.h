// A thread with a name, or why the system starts none.
#pragma once

#include <functional>
#include <thread>

#include "core/base/status.h"

namespace engine {

// `name` is for NameThread.
absl::StatusOr<std::jthread> StartThread(const char* name, std::function<void()> body);

}  // namespace engine
