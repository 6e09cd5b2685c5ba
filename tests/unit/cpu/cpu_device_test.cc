#include "backends/cpu/cpu_device.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <vector>

#include "absl/strings/str_format.h"
#include "core/graph/program.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

constexpr int kWorkers = 3;

// Counts its launches per worker, and checks what earlier steps counted. The counts are plain numbers: ThreadSanitizer
// sees a step that is not ordered behind the one before it.
class CountingKernel : public Kernel {
 public:
  CountingKernel(std::vector<int>& counts, bool is_solo, const std::vector<int>* earlier)
      : counts_(counts), is_solo_(is_solo), earlier_(earlier) {}

  void Launch(const LaunchArgs& args) const override {
    if (earlier_ != nullptr) {
      for (const int count : *earlier_) EXPECT_EQ(count, 1);
    }
    EXPECT_EQ(args.worker.count(), is_solo(args.extents) ? 1 : kWorkers);
    ++counts_[args.worker.index()];
  }
  bool is_solo(const StepExtents& extents) const override { return is_solo_ && extents.tokens == 1; }

 private:
  std::vector<int>& counts_;
  bool is_solo_;
  const std::vector<int>* earlier_;
};

// Of all pages of the buffer, which begins with one.
int64_t ResidentPages(const Buffer& buffer) {
  std::vector<unsigned char> resident(buffer.size() / sysconf(_SC_PAGESIZE));
  EXPECT_EQ(mincore(buffer.data(), buffer.size(), resident.data()), 0);
  return std::count_if(resident.begin(), resident.end(), [](unsigned char page) { return (page & 1) != 0; });
}

TEST(CpuDevice, BacksMemoryAsItIsUsedUnlessAskedTo) {
  auto device = CpuDevice::Create({.threads = 1});
  ASSERT_TRUE(device.ok());
  constexpr int64_t kPages = 5;
  const int64_t bytes = kPages * sysconf(_SC_PAGESIZE);
  const auto buffer = (*device)->Allocate(bytes, MemoryKind::kDevice);
  ASSERT_TRUE(buffer.ok());
  EXPECT_EQ(ResidentPages(*buffer), 0);
  EXPECT_TRUE((*device)->Back(*buffer, bytes / kPages * 2).ok());
  EXPECT_EQ(ResidentPages(*buffer), 2);
  EXPECT_TRUE((*device)->Back(*buffer, 2 * bytes).ok());
  EXPECT_EQ(ResidentPages(*buffer), kPages);
}

TEST(CpuDevice, BacksSparseMemoryPageByPage) {
  auto device = CpuDevice::Create({.threads = 1});
  ASSERT_TRUE(device.ok());
  const auto buffer = (*device)->Allocate(int64_t{16} << 20, MemoryKind::kDevice);
  ASSERT_TRUE(buffer.ok());
  (*device)->BackSparsely(*buffer, int64_t{8} << 20);
  for (const int64_t megabyte : {1, 4, 7}) buffer->data()[megabyte << 20] = std::byte{1};
  EXPECT_EQ(ResidentPages(*buffer), 3);
}

TEST(CpuDevice, RunsSoloStepsOnceBetweenTheStepsAroundThem) {
  auto device = CpuDevice::Create({.threads = kWorkers});
  ASSERT_TRUE(device.ok());
  auto stream = (*device)->CreateStream();
  ASSERT_TRUE(stream.ok());
  const std::vector<bool> solo = {true, false, true, true, false, false, true};
  for (const int tokens : {1, 2}) {
    std::vector<std::vector<int>> counts;
    for (const bool is_solo : solo) counts.emplace_back(is_solo && tokens == 1 ? 1 : kWorkers, 0);
    Program program;
    for (size_t s = 0; s < solo.size(); ++s) {
      Step step;
      step.kernel = std::make_unique<CountingKernel>(counts[s], solo[s], s > 0 ? &counts[s - 1] : nullptr);
      step.barrier = s > 0;
      program.steps.push_back(std::move(step));
    }
    ASSERT_TRUE((*stream)->Run(program, {.tokens = tokens, .sequences = 1, .sampled = 1}).ok());
    for (const std::vector<int>& of_step : counts) {
      for (const int count : of_step) EXPECT_EQ(count, 1);
    }
  }
}

struct Placed {
  int64_t begin;
  int64_t bytes;
  int node;
  bool operator==(const Placed&) const = default;
};

// Says how many workers its launches had.
class TeamKernel : public Kernel {
 public:
  explicit TeamKernel(std::atomic<int>& workers) : workers_(workers) {}
  void Launch(const LaunchArgs& args) const override { workers_ = args.worker.count(); }

 private:
  std::atomic<int>& workers_;
};

TEST(CpuDevice, TunedProgramsRunOnTheTeamsThatMeasuredFastest) {
  const auto fewest = [](int workers) { return 1.0 * workers; };
  const auto most = [](int workers) { return 1.0 / workers; };
  const int allowed = ThreadTeam::AllowedThreads();
  const int quarter = std::max(1, allowed / 4);
  for (const int threads : {0, kWorkers}) {
    auto device = CpuDevice::Create({.threads = threads, .measure_decode = fewest, .measure_prefill = most});
    ASSERT_TRUE(device.ok());
    auto stream = (*device)->CreateStream();
    std::atomic<int> workers = 0;
    Program program;
    program.steps.emplace_back().kernel = std::make_unique<TeamKernel>(workers);
    (*stream)->Tune(program, {});
    ASSERT_TRUE((*stream)->Run(program, {.tokens = 1, .sequences = 1, .sampled = 1}).ok());
    EXPECT_EQ(workers, threads == 0 ? quarter : kWorkers) << "who asks for a number of threads gets it";
    ASSERT_TRUE((*stream)->Run(program, {.tokens = 64, .sequences = 1, .sampled = 1}).ok());
    EXPECT_EQ(workers, threads == 0 ? allowed : kWorkers);
  }
}

// A machine whose first CPU is node 0 and whose others, if any, are node `others`.
void DescribeNodes(const TempDir& system, int others) {
  std::filesystem::create_directories(system.path() + "/node/node0");
  std::filesystem::create_directories(absl::StrFormat("%s/node/node%d", system.path(), others));
  int first = 0;
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  while (!CPU_ISSET(first, &allowed)) ++first;
  system.Write(absl::StrFormat("node/node%d/cpulist", others), absl::StrFormat("%d-%d", first + 1, CPU_SETSIZE));
  system.Write("node/node0/cpulist", absl::StrFormat("0-%d", others == 0 ? CPU_SETSIZE : first));
}

TEST(CpuDevice, PutsEachShareOfRowsOnTheNodeThatReadsIt) {
  const int threads = ThreadTeam::AllowedThreads();
  if (threads < 2) GTEST_SKIP() << "needs two CPUs";
  std::vector<std::byte> rows(1000 * threads);
  for (const int others : {0, 3}) {
    const TempDir system;
    DescribeNodes(system, others);
    std::vector<Placed> placed;
    const auto note = [&](std::span<std::byte> memory, int node) {
      placed.push_back({memory.data() - rows.data(), std::ssize(memory), node});
    };
    auto device = CpuDevice::Create({.system_devices = system.path(), .prefer_node = note});
    ASSERT_TRUE(device.ok());
    // With more than two threads the nodes have unequally many.
    EXPECT_EQ((*device)->info().memory_nodes, others == 0 ? 1 : threads);
    (*device)->Place(rows);
    const std::vector<Placed> shares = {{0, 1000, 0}, {1000, std::ssize(rows) - 1000, others}};
    EXPECT_EQ(placed, others == 0 ? std::vector<Placed>() : shares) << "one node has all anyway";
  }
}

}  // namespace
}  // namespace engine
