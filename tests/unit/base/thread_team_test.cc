#include "core/base/thread_team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <numeric>

#include "absl/strings/str_format.h"
#include "core/base/clock.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

std::unique_ptr<ThreadTeam> Team(int threads) { return *ThreadTeam::Create({.num_threads = threads}); }

// Until those that wait sleep.
void OutlastSpinning() {
  const TimePoint start = Now();
  while (SecondsSince(start) < 1e-3) std::this_thread::yield();
}

TEST(ThreadTeam, EveryWorkerRunsOncePerDispatch) {
  for (const int threads : {1, 2, 3, 8}) {
    const auto team = Team(threads);
    std::vector<int> runs(threads, 0);
    for (int dispatch = 0; dispatch < 200; ++dispatch) {
      team->Run([&](Worker& worker) {
        EXPECT_EQ(worker.count(), threads);
        ++runs[worker.index()];
      });
    }
    EXPECT_THAT(runs, testing::Each(200));
  }
}

TEST(ThreadTeam, APartOfItRunsAsATeamOfThatSize) {
  constexpr int kThreads = 5;
  const auto team = Team(kThreads);
  std::vector<int> runs(kThreads, 0), expected(kThreads, 0);
  for (int dispatch = 0; dispatch < 300; ++dispatch) {
    const int workers = dispatch % kThreads + 1;
    for (int worker = 0; worker < workers; ++worker) ++expected[worker];
    std::atomic<int> items = 0;
    team->Run(workers, [&](Worker& worker) {
      EXPECT_EQ(worker.count(), workers);
      worker.ForEach(32, 1, [&](int64_t begin, int64_t end) { items += static_cast<int>(end - begin); });
      worker.Barrier();
      EXPECT_EQ(items, 32);
      ++runs[worker.index()];
    });
  }
  EXPECT_EQ(runs, expected);
}

TEST(ThreadTeam, APartOfItIsSpreadOverAllThreads) {
  constexpr int kThreads = 8;
  const auto team = Team(kThreads);
  std::vector<std::thread::id> all(kThreads), part(kThreads / 2);
  team->Run([&](Worker& worker) { all[worker.index()] = std::this_thread::get_id(); });
  team->Run(kThreads / 2, [&](Worker& worker) { part[worker.index()] = std::this_thread::get_id(); });
  for (int worker = 0; worker < kThreads / 2; ++worker) EXPECT_EQ(part[worker], all[2 * worker]);
}

TEST(ThreadTeam, ThreadsArePinnedInTheOrderOfNodes) {
  const int threads = ThreadTeam::AllowedThreads();
  const TempDir system;  // of which the last CPU is the only one of node 0
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  if (threads < 2 || threads != std::ssize(cpus)) GTEST_SKIP() << "needs two CPUs and no limit on them";
  for (int node = 0; node < threads; ++node) {
    std::filesystem::create_directories(absl::StrFormat("%s/node/node%d", system.path(), node));
    system.Write(absl::StrFormat("node/node%d/cpulist", node), absl::StrFormat("%d", cpus[threads - 1 - node]));
  }
  const auto team = *ThreadTeam::Create({.num_threads = threads, .pin = true, .system_devices = system.path()});
  ASSERT_EQ(std::ssize(team->nodes()), threads);
  team->Run([&](Worker& worker) {
    worker.Barrier();
    EXPECT_EQ(team->nodes()[worker.index()], worker.index());
    if (worker.index() > 0) EXPECT_EQ(sched_getcpu(), cpus[threads - 1 - worker.index()]);
  });
}

TEST(ThreadTeam, AWorkerThatSleptIsWokenWhenItIsNeeded) {
  const auto team = Team(3);
  for (int round = 0; round < 20; ++round) {
    team->Run(1, [](Worker&) { OutlastSpinning(); });
    std::atomic<int> ran = 0;
    team->Run([&](Worker& worker) {
      if (worker.index() == 2) OutlastSpinning();
      worker.Barrier();
      ++ran;
    });
    EXPECT_EQ(ran, 3);
  }
}

TEST(ThreadTeam, TheCallerIsWorkerZero) {
  const auto team = Team(2);
  std::thread::id worker_zero;
  team->Run([&](Worker& worker) {
    if (worker.index() == 0) worker_zero = std::this_thread::get_id();
  });
  EXPECT_EQ(worker_zero, std::this_thread::get_id());
}

TEST(ThreadTeam, ForEachHandsOutEveryItemOnce) {
  for (const int threads : {1, 2, 3, 5}) {
    const auto team = Team(threads);
    for (const int64_t count : {0, 1, 2, 7, 8, 63, 64, 1000}) {
      for (const int64_t chunk : {1, 3, 16, 2000}) {
        std::vector<std::atomic<int>> taken(count);
        team->Run([&](Worker& worker) {
          worker.ForEach(count, chunk, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) ++taken[i];
          });
        });
        for (int64_t i = 0; i < count; ++i) ASSERT_EQ(taken[i], 1) << i << " of " << count << " by " << chunk;
      }
    }
  }
}

TEST(ThreadTeam, ABarrierShowsWhatEveryWorkerWroteBeforeIt) {
  constexpr int kRounds = 500;
  const auto team = Team(3);
  std::vector<int> written(3, 0);  // plain: ThreadSanitizer checks that barriers order the accesses
  team->Run([&](Worker& worker) {
    for (int round = 1; round <= kRounds; ++round) {
      written[worker.index()] = round;
      worker.Barrier();
      EXPECT_THAT(written, testing::Each(round));
      worker.Barrier();
    }
  });
}

TEST(ThreadTeam, TheLastAtABarrierWorksForAllBeforeAnyGoesOn) {
  constexpr int kRounds = 500;
  for (const int workers : {1, 3}) {
    const auto team = Team(workers);
    std::vector<int> written(workers, 0);
    int sum = 0;
    team->Run([&](Worker& worker) {
      for (int round = 1; round <= kRounds; ++round) {
        written[worker.index()] = round;
        worker.BarrierThen([&] { sum = std::accumulate(written.begin(), written.end(), 0); });
        EXPECT_EQ(sum, round * workers);
        worker.Barrier();
      }
    });
  }
}

TEST(ThreadTeam, AnyNumberOfLoopsMayFollowEachOther) {
  const auto team = Team(2);
  std::atomic<int64_t> items = 0;
  team->Run([&](Worker& worker) {
    for (int loop = 0; loop < 1000; ++loop) {
      if (loop % 100 == 0) worker.Barrier();
      worker.ForEach(4, 1, [&](int64_t begin, int64_t end) { items += end - begin; });
    }
  });
  EXPECT_EQ(items, 4000);
}

TEST(ThreadTeam, AWorkerThatIsHeldUpLosesTheEndOfItsShare) {
  constexpr int64_t kItems = 160;
  constexpr int64_t kTaken = kItems / 2 / 8;  // what a worker takes of its share at first
  const auto team = Team(2);
  std::atomic<int64_t> by_other = 0, all = 0;
  team->Run([&](Worker& worker) {
    worker.ForEach(kItems, 1, [&](int64_t begin, int64_t end) {
      all += end - begin;
      by_other += worker.index() == 1 ? end - begin : 0;
      // Worker 0 stays with its first item until the other one has done all the rest.
      while (worker.index() == 0 && begin == 0 && by_other < kItems - kTaken) std::this_thread::yield();
    });
  });
  EXPECT_EQ(all, kItems);
  EXPECT_EQ(by_other, kItems - kTaken);
}

TEST(ThreadTeam, ImpossibleSizesAreRefusedByName) {
  for (const int threads : {-1, 0, 1025}) {
    const absl::Status status = ThreadTeam::Create({.num_threads = threads}).status();
    EXPECT_EQ(Message(status), absl::StrFormat("threads is %d; give 1 to 1024", threads));
  }
  EXPECT_GE(ThreadTeam::AllowedThreads(), 1);
}

}  // namespace
}  // namespace engine
