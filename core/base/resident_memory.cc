#include "core/base/resident_memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace engine {

ResidentMemory ResidentNow() {
  ResidentMemory resident;
  std::ifstream status("/proc/self/status");
  std::string key;
  int64_t kibibytes = 0;
  for (std::string line; status >> key; std::getline(status, line)) {
    if (key != "RssAnon:" && key != "RssFile:") continue;
    status >> kibibytes;
    (key == "RssAnon:" ? resident.anonymous_bytes : resident.file_bytes) = kibibytes * 1024;
  }
  return resident;
}

void ReturnFreedMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace engine
