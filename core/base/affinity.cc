#include "core/base/affinity.h"

#include <cerrno>

namespace engine {
namespace {

constexpr size_t kMostSets = 1024;  // of 1024 CPUs each: beyond any kernel

}  // namespace

// The kernel refuses a set that is smaller than the number of CPUs it was built for.
std::vector<int> AllowedCpus(int (*get)(pid_t, size_t, cpu_set_t*)) {
  std::vector<int> cpus;
  for (size_t count = 1; count <= kMostSets; count *= 2) {
    std::vector<cpu_set_t> sets(count);
    const size_t bytes = count * sizeof(cpu_set_t);
    if (get(0, bytes, sets.data()) == 0) {
      for (int cpu = 0; cpu < static_cast<int>(count) * CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET_S(cpu, bytes, sets.data())) cpus.push_back(cpu);
      }
      break;
    }
    if (errno != EINVAL) break;
  }
  return cpus;
}

void PinThread(pthread_t thread, int cpu) {
  std::vector<cpu_set_t> sets(cpu / CPU_SETSIZE + 1);
  const size_t bytes = sets.size() * sizeof(cpu_set_t);
  CPU_SET_S(cpu, bytes, sets.data());
  pthread_setaffinity_np(thread, bytes, sets.data());
}

}  // namespace engine
