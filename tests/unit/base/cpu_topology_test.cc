#include "core/base/cpu_topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_format.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using testing::ElementsAre;

// What the kernel says of a machine.
class FakeMachine {
 public:
  void AddNode(int node, const std::string& cpus) {
    std::filesystem::create_directories(absl::StrFormat("%s/node/node%d", dir_.path(), node));
    dir_.Write(absl::StrFormat("node/node%d/cpulist", node), cpus + "\n");
  }
  void AddCore(const std::string& siblings) {
    for (const int cpu : ParseCpuList(siblings)) {
      std::filesystem::create_directories(absl::StrFormat("%s/cpu/cpu%d/topology", dir_.path(), cpu));
      dir_.Write(absl::StrFormat("cpu/cpu%d/topology/thread_siblings_list", cpu), siblings + "\n");
    }
  }
  std::vector<CpuPlace> Place(const std::vector<int>& cpus) const { return PlaceCpus(cpus, dir_.path()); }

 private:
  TempDir dir_;
};

TEST(CpuTopology, ReadsListsOfRanges) {
  EXPECT_THAT(ParseCpuList("0-3,8,10-11\n"), ElementsAre(0, 1, 2, 3, 8, 10, 11));
  EXPECT_THAT(ParseCpuList(""), ElementsAre());
  EXPECT_THAT(ParseCpuList("no list"), ElementsAre());
}

TEST(CpuTopology, GoesNodeByNodeAndCoreByCore) {
  FakeMachine machine;  // two sockets of two cores of two threads, numbered as Linux does on servers
  machine.AddNode(0, "0-1,4-5");
  machine.AddNode(1, "2-3,6-7");
  for (const char* siblings : {"0,4", "1,5", "2,6", "3,7"}) machine.AddCore(siblings);
  const std::vector<CpuPlace> places = {{0, 0}, {4, 0}, {1, 0}, {5, 0}, {2, 1}, {6, 1}, {3, 1}, {7, 1}};
  EXPECT_EQ(machine.Place({0, 1, 2, 3, 4, 5, 6, 7}), places);
  EXPECT_THAT(machine.Place({7, 5, 1}), ElementsAre(CpuPlace{1, 0}, CpuPlace{5, 0}, CpuPlace{7, 1}));
}

TEST(CpuTopology, WithoutAWordFromTheKernelAllAreOneNode) {
  EXPECT_THAT(FakeMachine().Place({3, 1}), ElementsAre(CpuPlace{1, 0}, CpuPlace{3, 0}));
}

TEST(CpuTopology, NodesNeedNotBeNumberedInOrder) {
  FakeMachine machine;
  machine.AddNode(2, "0");
  machine.AddNode(0, "1");
  EXPECT_THAT(machine.Place({0, 1}), ElementsAre(CpuPlace{1, 0}, CpuPlace{0, 2}));
}

// As numactl --membind sets it for a program that it starts.
TEST(CpuTopology, AMemoryPolicyOfTheUserStays) {
  constexpr int kPreferred = 1, kBind = 2, kOfAddress = 2;  // of linux/mempolicy.h
  constexpr size_t kBytes = 1 << 16;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const auto policy = [&](size_t from) {
    int mode = -1;
    syscall(SYS_get_mempolicy, &mode, nullptr, 0UL, static_cast<std::byte*>(memory) + from, kOfAddress);
    return mode;
  };
  const std::span bytes(static_cast<std::byte*>(memory), kBytes);
  std::string skipped;
  std::jthread([&] {  // a policy is a thread's own
    PreferNode(bytes.first(kBytes / 2), 0);
    const unsigned long first_node = 1;
    if (policy(0) != kPreferred) skipped = "this kernel has no memory policies";
    if (syscall(SYS_set_mempolicy, kBind, &first_node, 65UL) != 0) skipped = "memory policies are not allowed here";
    PreferNode(bytes.subspan(kBytes / 2), 0);
  })
      .join();
  if (skipped.empty()) {
    EXPECT_NE(policy(kBytes / 2), kPreferred);
  }
  munmap(memory, kBytes);
  if (!skipped.empty()) GTEST_SKIP() << skipped;
}

TEST(CpuTopology, MemoryCanBeUsedWhateverNodeItShouldBeOn) {
  constexpr size_t kBytes = 1 << 16;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::span bytes(static_cast<std::byte*>(memory), kBytes);
  for (const int node : {0, 63, 1000, -1}) PreferNode(bytes.subspan(100), node);
  for (std::byte& byte : bytes) byte = std::byte{1};
  munmap(memory, kBytes);
}

}  // namespace
}  // namespace engine
