#include "core/base/start_thread.h"

#include <system_error>
#include <utility>

#include "core/base/thread_name.h"

namespace engine {

absl::StatusOr<std::jthread> StartThread(const char* name, std::function<void()> body) {
  try {
    return std::jthread([name, body = std::move(body)] {
      NameThread(name);
      body();
    });
  } catch (const std::system_error& error) {
    return ResourceExhausted("the %s thread cannot be started: %s", name, error.what());
  }
}

}  // namespace engine
