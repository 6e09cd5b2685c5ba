// Every bug of planted_bugs.cu is found by the layer named here, and correct kernels are not accused.
#include "tests/unit/gpu/planted_bugs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <set>
#include <vector>

#include "tests/unit/gpu/simt_library.h"

namespace engine {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

constexpr int kBlocks = 4;
constexpr int kThreads = 256;
constexpr int kSeeds = 20;

// Runs kernels on memory of known extents.
class Bench {
 public:
  using Floats = std::array<float, size_t{kBlocks} * kThreads>;

  explicit Bench(const std::string& library) : library_(PLANTED_BUGS_DIR "/libplanted_" + library + ".so") {
    std::iota(x_.begin(), x_.end(), 1.0f);
    std::iota(y_.begin(), y_.end(), 0.25f);
    Allocate(x_, true);
    Allocate(y_, true);
    Allocate(out_, false);
    Allocate(counts_, true);
  }
  ~Bench() {
    for (const void* begin : allocations_) library_.Memory(kSimtFreed, begin, 0);
  }

  std::string Run(const char* kernel, uint64_t seed = 0, int threads = kThreads) {
    std::fill(out_.begin(), out_.end(), -1.0f);
    counts_[0] = 0;
    const BugArgs args = {x_.data(), y_.data(), out_.data(), counts_.data()};
    return library_.Launch(kernel, kBlocks, threads, args, seed);
  }
  // Different results under different schedules.
  size_t NumResults(const char* kernel, int threads = kThreads) {
    std::set<Floats> results;
    for (int seed = 0; seed < kSeeds; ++seed) {
      EXPECT_EQ(Run(kernel, seed, threads), "");
      for (float& value : out_) value = std::isnan(value) ? -2.0f : value;
      results.insert(out_);
    }
    return results.size();
  }
  SimtCounters Count(const char* kernel) {
    SimtCounters counters{};
    const BugArgs args = this->args();
    EXPECT_EQ(library_.Launch({.kernel = library_.Find(kernel),
                               .name = kernel,
                               .grid = {kBlocks, 1, 1},
                               .block = {kThreads, 1, 1},
                               .args = &args,
                               .args_bytes = sizeof(args),
                               .counters = &counters}),
              "");
    return counters;
  }
  const Floats& out() const { return out_; }
  const SimtLibrary& library() const { return library_; }
  BugArgs args() { return {x_.data(), y_.data(), out_.data(), counts_.data()}; }

 private:
  template <typename Memory>
  void Allocate(Memory& memory, bool written) {
    const size_t bytes = sizeof(memory);
    library_.Memory(kSimtAllocated, memory.data(), bytes);
    if (written) library_.Memory(kSimtWritten, memory.data(), bytes);
    allocations_.push_back(memory.data());
  }

  SimtLibrary library_;
  template <typename T>
  struct Guarded {
    alignas(256) T values{};  // at whole sectors, as a device allocates
    std::array<float, 64> gap;
  };
  Guarded<Floats> guarded_x_;
  Guarded<std::array<float, kThreads>> guarded_y_;
  Guarded<Floats> guarded_out_;
  Guarded<std::array<uint32_t, 1>> guarded_counts_;
  Floats& x_ = guarded_x_.values;
  std::array<float, kThreads>& y_ = guarded_y_.values;
  Floats& out_ = guarded_out_.values;
  std::array<uint32_t, 1>& counts_ = guarded_counts_.values;
  std::vector<const void*> allocations_;
};

struct Found {
  const char* kernel;
  const char* message;
  int threads = kThreads;
};

class PlainLibrary : public testing::TestWithParam<const char*> {};
class EveryLibrary : public testing::TestWithParam<const char*> {};
class CheckLibrary : public testing::TestWithParam<const char*> {};
const auto kName = [](const auto& info) { return std::string(info.param); };
INSTANTIATE_TEST_SUITE_P(Warps, PlainLibrary, testing::Values("simt32", "simt64"), kName);
INSTANTIATE_TEST_SUITE_P(Warps, CheckLibrary, testing::Values("simt_check32", "simt_check64"), kName);
INSTANTIATE_TEST_SUITE_P(Warps, EveryLibrary, testing::Values("simt32", "simt64", "simt_check32", "simt_check64"),
                         kName);

TEST_P(EveryLibrary, AccusesNoCorrectKernel) {
  Bench bench(GetParam());
  for (int seed = 0; seed < kSeeds; ++seed) {
    for (const char* kernel : {"swap_correct", "sum_correct", "neighbour_correct", "count_correct"}) {
      EXPECT_EQ(bench.Run(kernel, seed), "") << "seed " << seed;
    }
    EXPECT_EQ(bench.Run("copy_correct", seed, 64), "") << "seed " << seed;
  }
}

TEST_P(PlainLibrary, FindsThreadsThatDoNotMeet) {
  Bench bench(GetParam());
  for (const auto& [kernel, message, threads] : std::vector<Found>{
           {"swap_barrier_in_branch", "wait in SyncBlock"},
           {"swap_barriers_of_two_lines", "wait in SyncBlock"},
           {"swap_return_before_barrier", "SyncBlock"},
           {"sum_of_half_a_warp", "ShflXor of line"},
           {"sum_in_two_branches", "waits in Shfl"},
           {"shuffle_beyond_the_warp", "lanes"},
           {"copy_never_waited_for", "1 asynchronous copies that were not waited for", 64},
           {"misaligned_vector", "access of 16 bytes"},
       }) {
    for (int seed = 0; seed < kSeeds; ++seed) EXPECT_THAT(bench.Run(kernel, seed, threads), HasSubstr(message));
  }
}

TEST_P(CheckLibrary, FindsWrongAccesses) {
  Bench bench(GetParam());
  for (const auto& [kernel, message, threads] : std::vector<Found>{
           {"swap_shared_overrun", "shared memory: write of 4 bytes"},
           {"swap_shared_underrun", "shared memory: write of 4 bytes"},
           {"reads_behind_the_end", "global memory: read of 4 bytes"},
           {"writes_behind_the_end", "global memory: write of 4 bytes"},
           {"swap_unwritten_shared", "shared memory: read of a byte"},
           {"reads_what_nobody_wrote", "global memory: read of a byte"},
           {"shares_local_memory", "another thread's local memory"},
           {"writes_its_arguments", "which is no device memory"},
       }) {
    for (int seed = 0; seed < kSeeds; ++seed) EXPECT_THAT(bench.Run(kernel, seed, threads), HasSubstr(message));
  }
}

TEST_P(CheckLibrary, FindsRacesInTheOrderOfProgrammers) {
  Bench bench(GetParam());
  for (const char* kernel :
       {"swap_no_barrier_before_reuse", "count_plain", "count_mixed", "reads_another_blocks_result"}) {
    EXPECT_THAT(bench.Run(kernel), HasSubstr("race"));
  }
  // The first warp is early there.
  EXPECT_THAT(bench.Run("neighbour_in_another_warp"), HasSubstr("that nobody wrote"));
}

TEST_P(CheckLibrary, FindsRacesUnderEverySchedule) {
  Bench bench(GetParam());
  for (int seed = 0; seed < kSeeds; ++seed) {
    for (const char* kernel : {"swap_no_barrier_before_reuse", "count_plain"}) {
      EXPECT_THAT(bench.Run(kernel, seed), HasSubstr("race")) << "seed " << seed;
    }
    // A reader that comes too early finds memory that nobody wrote instead.
    for (const char* kernel :
         {"swap_no_barrier", "neighbour_no_warp_barrier", "neighbour_in_another_warp", "reads_another_blocks_result"}) {
      EXPECT_THAT(bench.Run(kernel, seed), AnyOf(HasSubstr("race"), HasSubstr("that nobody wrote"))) << "seed " << seed;
    }
  }
}

TEST_P(CheckLibrary, CountsSectorsAndBankConflicts) {
  Bench bench(GetParam());
  const SimtCounters good = bench.Count("padded_columns");
  EXPECT_EQ(good.shared_wavefronts, good.shared_requests);
  EXPECT_EQ(good.global_sectors, good.global_ideal_sectors);
  // Every eighth word: 8 lanes to a bank.
  const SimtCounters bad = bench.Count("unpadded_columns");
  EXPECT_EQ(bad.shared_wavefronts, 8 * bad.shared_requests);
  const SimtCounters scattered = bench.Count("reads_columns");
  EXPECT_GT(scattered.global_sectors, 2 * scattered.global_ideal_sectors);
}

TEST_P(CheckLibrary, RefusesHostPointers) {
  Bench bench(GetParam());
  BugArgs args = bench.args();
  const std::vector<float> host(kThreads);
  args.x = host.data();
  EXPECT_THAT(bench.library().Launch("sum_correct", 1, kThreads, args), HasSubstr("read of 4 bytes"));
}

// Without the checks, too, wrong order and early reads show in the results.
TEST(PlantedBugs, ChangeResultsWithTheSchedule) {
  for (const char* library : {"simt32", "simt64"}) {
    Bench bench(library);
    for (const char* kernel : {"swap_no_barrier", "swap_no_barrier_before_reuse", "neighbour_in_another_warp"}) {
      EXPECT_GT(bench.NumResults(kernel), 1u) << kernel;
    }
    EXPECT_EQ(bench.NumResults("swap_correct"), 1u);
  }
}

TEST(PlantedBugs, LateCopiesLeaveNaNs) {
  Bench bench("simt32");
  ASSERT_EQ(bench.Run("copy_correct", 0, 64), "");
  EXPECT_EQ(bench.out()[0], 1.25f);
  ASSERT_EQ(bench.Run("copy_waits_for_too_few", 0, 64), "");
  EXPECT_TRUE(std::isnan(bench.out()[0]));
}

TEST(PlantedBugs, WarpsOf64ShowWhatIsWrittenFor32) {
  for (const char* library : {"simt32", "simt64"}) {
    Bench bench(library);
    ASSERT_EQ(bench.Run("sum_correct"), "");
    const Bench::Floats right = bench.out();
    ASSERT_EQ(bench.Run("sum_for_32_lanes_only"), "");
    EXPECT_EQ(bench.out() == right, library == std::string("simt32"));
  }
}

}  // namespace
}  // namespace engine
