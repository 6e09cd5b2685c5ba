// Loaded before libc (LD_PRELOAD): while the file that CLOCK_JUMP names exists, the time of day is a day later.
#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int clock_gettime(clockid_t clock, timespec* time) {
  using ClockGetTime = int (*)(clockid_t, timespec*);
  static const auto real = reinterpret_cast<ClockGetTime>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, time);
  const char* file = std::getenv("CLOCK_JUMP");
  if (result == 0 && clock == CLOCK_REALTIME && file != nullptr && access(file, F_OK) == 0) time->tv_sec += 86400;
  return result;
}
