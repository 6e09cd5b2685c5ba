#include "benchmarks/resident_memory.h"

#include <fstream>
#include <string>

namespace engine {

ResidentMemory ResidentNow() {
  ResidentMemory resident;
  std::ifstream status("/proc/self/status");
  std::string key;
  double kilobytes = 0;
  for (std::string line; status >> key; std::getline(status, line)) {
    if (key != "RssAnon:" && key != "RssFile:") continue;
    status >> kilobytes;
    (key == "RssAnon:" ? resident.anonymous : resident.files) = kilobytes * 1024 / 1e6;
  }
  return resident;
}

}  // namespace engine
