// What `top -H`, `ps -L` and debuggers call a thread.
#pragma once

#include <pthread.h>

namespace engine {

// Of the calling thread; 15 letters at most.
inline void NameThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace engine
