#include "server/api/request_workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::ElementsAre;

const HttpRequest kShort{.body = "{}"}, kLong{.body = std::string(1 << 20, ' ')};

TEST(RequestWorkers, LongBodiesAreReadOneAtATimeAndHoldUpNoOthers) {
  std::deque<std::function<void()>> posted;
  std::vector<std::string> done;
  const auto workers =
      std::make_shared<RequestWorkers>([&](std::function<void()> work) { posted.push_back(std::move(work)); });
  const auto run_next = [&] {
    const auto work = std::move(posted.front());
    posted.pop_front();
    work();
  };
  workers->Run(kLong, [&] { done.emplace_back("long 1"); });
  workers->Run(kLong, [&] { done.emplace_back("long 2"); });
  workers->Run(kShort, [&] { done.emplace_back("short 1"); });
  workers->Run(kShort, [&] { done.emplace_back("short 2"); });
  EXPECT_EQ(posted.size(), 3u);
  while (!posted.empty()) run_next();
  EXPECT_THAT(done, ElementsAre("long 1", "short 1", "short 2", "long 2"));
  workers->Run(kLong, [&] { done.emplace_back("long 3"); });
  run_next();
  EXPECT_EQ(done.back(), "long 3");
  EXPECT_TRUE(posted.empty());
}

// As when a server stops.
TEST(RequestWorkers, WorkThatIsDroppedIsFreed) {
  const auto alive = std::make_shared<int>();
  std::deque<std::function<void()>> posted;
  auto workers =
      std::make_shared<RequestWorkers>([&](std::function<void()> work) { posted.push_back(std::move(work)); });
  workers->Run(kLong, [alive] {});
  workers->Run(kLong, [alive] {});
  posted.clear();
  workers = nullptr;
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace engine
