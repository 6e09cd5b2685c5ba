// The CPUs that threads may run on.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <vector>

namespace engine {

// Of the calling thread, ascending; empty where the system does not say. `get` is what asks the system.
std::vector<int> AllowedCpus(int (*get)(pid_t, size_t, cpu_set_t*) = sched_getaffinity);

// Best effort: a thread that stays unpinned is only slower.
void PinThread(pthread_t thread, int cpu);

}  // namespace engine
