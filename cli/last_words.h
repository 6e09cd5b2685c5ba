// What the program says where an exception that nobody catches ends it.
#pragma once

namespace engine {

// For std::set_terminate. Whichever thread the system has refused memory or another thread, there is a sentence, and
// the exit code is 1. Any other exception is a bug of ours: it is named, and the process aborts where it was thrown.
[[noreturn]] void SayWhyItEnds();

}  // namespace engine
