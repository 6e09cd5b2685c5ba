#include "backends/cpu/work_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace engine::cpu {
namespace {

constexpr int64_t kUnitBytes = 9216;  // a panel of Q4_0 with rows of 1,024

std::vector<WorkGrid::Part> PartsOf(const WorkGrid& grid, int workers, int worker) {
  const int64_t own = grid.num_parts() / workers;
  std::vector<WorkGrid::Part> parts;
  for (int64_t i = worker * own; i < (worker + 1) * own; ++i) parts.push_back(grid.PartAt(i));
  return parts;
}

TEST(WorkGrid, HasEveryRowOfEveryUnitOnce) {
  for (const int64_t rows : {1, 16, 17, 63, 64, 130, 512, 517}) {
    for (const int64_t units : {1, 3, 64, 97}) {
      for (const int workers : {1, 2, 3, 6, 16}) {
        for (const int nodes : {1, 2, 4}) {
          const WorkGrid grid({rows, units, kUnitBytes}, workers, nodes);
          std::vector<int> seen(rows * units, 0);
          for (int64_t i = 0; i < grid.num_parts(); ++i) {
            const WorkGrid::Part part = grid.PartAt(i);
            for (int64_t r = part.rows.begin; r < part.rows.end; ++r) {
              for (int64_t u = part.units.begin; u < part.units.end; ++u) ++seen[r * units + u];
            }
          }
          EXPECT_EQ(std::ranges::count(seen, 1), std::ssize(seen))
              << rows << " rows, " << units << " units, " << workers << " workers, " << nodes << " nodes";
        }
      }
    }
  }
}

TEST(WorkGrid, GivesAWorkerTheRowsThatLoopsOverRowsGiveIt) {
  const WorkGrid grid({.rows = 512, .units = 64, .unit_bytes = kUnitBytes}, 2, 1);
  for (int worker = 0; worker < 2; ++worker) {
    for (const WorkGrid::Part& part : PartsOf(grid, 2, worker)) {
      EXPECT_EQ(part.rows.begin, 256 * worker);
      EXPECT_EQ(part.rows.end, 256 * (worker + 1));
    }
  }
}

TEST(WorkGrid, SharesOutTheWeightsOfFewRows) {
  const WorkGrid grid({.rows = 8, .units = 64, .unit_bytes = kUnitBytes}, 2, 1);
  for (const WorkGrid::Part& part : PartsOf(grid, 2, 1)) {
    EXPECT_GE(part.units.begin, 32);
    EXPECT_EQ(part.rows.begin, 0);
    EXPECT_EQ(part.rows.end, 8);
  }
}

TEST(WorkGrid, LeavesANodeToItsOwnWeights) {
  const WorkGrid grid({.rows = 512, .units = 64, .unit_bytes = kUnitBytes}, 8, 2);
  for (int worker = 0; worker < 8; ++worker) {
    for (const WorkGrid::Part& part : PartsOf(grid, 8, worker)) {
      EXPECT_GE(part.units.begin, worker < 4 ? 0 : 32);
      EXPECT_LE(part.units.end, worker < 4 ? 32 : 64);
      EXPECT_EQ(part.rows.begin, 128 * (worker % 4));
    }
  }
}

}  // namespace
}  // namespace engine::cpu
