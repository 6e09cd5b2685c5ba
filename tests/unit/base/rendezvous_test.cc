#include "core/base/rendezvous.h"

#include <array>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace engine {
namespace {

constexpr int kThreads = 3;

TEST(Rendezvous, EachSeesWhatAllWroteBeforeTheyMet) {
  constexpr int kMeetings = 500;
  Rendezvous rendezvous(kThreads);
  // Who is ahead writes the other half: it cannot be two meetings ahead.
  std::array<std::array<int, kThreads>, 2> written{};
  std::array<int, kThreads> missed{};
  const auto run = [&](int thread) {
    for (int meeting = 1; meeting <= kMeetings; ++meeting) {
      auto& half = written[meeting % 2];
      half[thread] = meeting;
      if (!rendezvous.Meet().ok()) return;
      for (const int value : half) missed[thread] += value == meeting ? 0 : 1;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back(run, thread);
  }
  EXPECT_EQ(written[kMeetings % 2], (std::array{kMeetings, kMeetings, kMeetings}));
  EXPECT_EQ(missed, (std::array{0, 0, 0}));
}

TEST(Rendezvous, NobodyWaitsForOneThatHasFailed) {
  for (int run = 0; run < 50; ++run) {
    Rendezvous rendezvous(kThreads);
    std::array<absl::Status, kThreads - 1> met;
    {
      std::vector<std::jthread> threads;
      for (auto& status : met) threads.emplace_back([&] { status = rendezvous.Meet(); });
      rendezvous.Abort(absl::InternalError("first"));
      rendezvous.Abort(absl::InternalError("second"));
    }
    for (const absl::Status& status : met) EXPECT_EQ(status, absl::InternalError("first"));
    EXPECT_EQ(rendezvous.Meet(), absl::InternalError("first")) << "for good";
  }
}

}  // namespace
}  // namespace engine
