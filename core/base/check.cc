#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace engine {

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "engine: internal error: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace engine
