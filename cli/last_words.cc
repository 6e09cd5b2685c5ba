#include "cli/last_words.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

namespace engine {

void SayWhyItEnds() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    std::fputs("engine: there is no memory left for this process: raise its limit (ulimit -v), or ask for less\n",
               stderr);
    std::_Exit(1);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      std::fprintf(stderr, "engine: the system refuses this process a thread: %s; raise its limits (ulimit -u)\n",
                   error.what());
      std::_Exit(1);
    }
    std::fprintf(stderr, "engine: nobody catches: %s\n", error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "engine: nobody catches: %s\n", error.what());
  }
  std::abort();
}

}  // namespace engine
