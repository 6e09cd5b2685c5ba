// How a handler leaves the HTTP thread, which must not block.
#pragma once

#include <functional>

namespace engine {

// Runs work on a thread that may take its time. Any thread; never blocks.
using Post = std::function<void(std::function<void()> work)>;

}  // namespace engine
