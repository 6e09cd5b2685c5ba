#include "server/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace engine {
namespace {

using ::testing::ElementsAre;

TEST(WorkerPool, HeavyWorkRunsOneAtATimeAndHoldsUpNoOther) {
  std::promise<void> light_ended, ended;
  std::vector<std::string> done;
  WorkerPool pool(2);
  pool.Post(Weight::kHeavy, [&] {
    light_ended.get_future().wait();
    done.emplace_back("heavy 1");
  });
  pool.Post(Weight::kHeavy, [&] {
    done.emplace_back("heavy 2");
    ended.set_value();
  });
  pool.Post(Weight::kLight, [&] {
    done.emplace_back("light");
    light_ended.set_value();
  });
  ended.get_future().wait();
  EXPECT_THAT(done, ElementsAre("light", "heavy 1", "heavy 2"));

  std::promise<void> again;
  pool.Post(Weight::kHeavy, [&] { again.set_value(); });
  again.get_future().wait();
}

// As when a server stops.
TEST(WorkerPool, WorkThatWaitsIsDroppedAndFreed) {
  const auto alive = std::make_shared<int>();
  std::promise<void> begun, may_end;
  std::optional<WorkerPool> pool(std::in_place, 2);
  pool->Post(Weight::kHeavy, [&, alive] {
    begun.set_value();
    may_end.get_future().wait();
  });
  for (int i = 0; i < 3; ++i) pool->Post(Weight::kHeavy, [alive] {});
  begun.get_future().wait();
  std::jthread lets_end([&] { may_end.set_value(); });
  pool.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(WorkerPool, WorkThatComesAfterTheEndIsDropped) {
  WorkerPool pool(1);
  pool.Stop();
  const auto alive = std::make_shared<int>();
  pool.Post(Weight::kLight, [alive] { ADD_FAILURE(); });
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace engine
