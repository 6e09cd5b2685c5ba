#include "core/base/turns.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace engine {
namespace {

TEST(Turns, ComeInTheOrderInWhichTheyWereAskedFor) {
  constexpr int kPlaces = 20;
  Turns turns;
  std::vector<int64_t> order;  // guarded by the turns
  std::vector<std::jthread> threads;
  for (int i = 0; i < kPlaces; ++i) {
    // Whoever starts last has asked last, and is the one that is awake.
    threads.emplace_back([&turns, &order, place = turns.Ask()] {
      turns.Await(place);
      order.push_back(place);
      turns.End();
    });
  }
  threads.clear();
  ASSERT_EQ(order.size(), kPlaces);
  for (int i = 0; i < kPlaces; ++i) EXPECT_EQ(order[i], i);
}

TEST(Turns, NobodyComesTwiceWhileAnotherWaits) {
  Turns turns;
  const int64_t first = turns.Ask(), waits = turns.Ask();
  turns.Await(first);
  turns.End();
  const int64_t again = turns.Ask();
  EXPECT_GT(again, waits);
  bool other_was_there = false;  // guarded by the turns
  std::jthread other([&] {
    turns.Await(waits);
    other_was_there = true;
    turns.End();
  });
  turns.Await(again);
  EXPECT_TRUE(other_was_there);
  turns.End();
}

}  // namespace
}  // namespace engine
