// How a handler leaves the HTTP thread, which must not block.
#pragma once

#include <functional>

namespace engine {

// Of heavy work one runs at a time, as it takes much memory, and what was posted meanwhile goes before the next.
enum class Weight { kLight, kHeavy };

// Runs work on a thread that may take its time. Any thread; never blocks.
using Post = std::function<void(Weight weight, std::function<void()> work)>;

}  // namespace engine
