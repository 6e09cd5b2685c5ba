#include "core/base/affinity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

namespace engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A kernel for 8192 CPUs.
int LargeKernel(pid_t, size_t bytes, cpu_set_t* set) {
  if (bytes * 8 < 8192) {
    errno = EINVAL;
    return -1;
  }
  for (const int cpu : {3, 1500, 8191}) CPU_SET_S(cpu, bytes, set);
  return 0;
}

int SilentKernel(pid_t, size_t, cpu_set_t*) {
  errno = ENOSYS;
  return -1;
}

int AlwaysInvalid(pid_t, size_t, cpu_set_t*) {
  errno = EINVAL;
  return -1;
}

TEST(Affinity, CpusBeyondTheFirst1024AreFound) { EXPECT_THAT(AllowedCpus(LargeKernel), ElementsAre(3, 1500, 8191)); }

TEST(Affinity, ASystemThatDoesNotSayHasNone) {
  EXPECT_THAT(AllowedCpus(SilentKernel), IsEmpty());
  EXPECT_THAT(AllowedCpus(AlwaysInvalid), IsEmpty());
}

TEST(Affinity, APinnedThreadMayRunOnOneCpu) {
  std::jthread([] {  // of its own, so that other tests go where they like
    const std::vector<int> before = AllowedCpus();
    ASSERT_FALSE(before.empty());
    PinThread(pthread_self(), before.back());
    EXPECT_THAT(AllowedCpus(), ElementsAre(before.back()));
    PinThread(pthread_self(), 1 << 19);  // no such CPU
    EXPECT_THAT(AllowedCpus(), ElementsAre(before.back()));
  })
      .join();
}

}  // namespace
}  // namespace engine
