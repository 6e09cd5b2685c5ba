#include "backends/cpu/team_sizes.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "backends/cpu/activation_tiles.h"
#include "backends/cpu/panel_product.h"
#include "core/base/clock.h"

namespace engine::cpu {
namespace {

// Measuring is not exact: fewer threads must save this much of the time.
constexpr double kClearlyFaster = 0.95;
constexpr int kRounds = 3;
constexpr int kCalls = 3 * kRounds;  // of a measure
// Where a machine is busy, measuring takes long and says little. Of all calls, and of one.
constexpr double kMostSeconds = 5e-3, kMostSecondsOfCall = 2e-3;

constexpr double kDisturbed = std::numeric_limits<double>::infinity();

// fn(worker, start) on `workers` of them, from when all are awake until all are done. Threads that wait here spin, so
// one that ran for less than the time that passed was kept from its core.
template <typename Fn>
double TimedRun(ThreadTeam& team, int workers, Fn&& fn) {
  constexpr double kLeastRun = 0.9;
  TimePoint start;
  std::atomic<bool> disturbed = false;
  team.Run(workers, [&](Worker& worker) {
    worker.BarrierThen([&] { start = Now(); });
    const double run_before = ThreadSeconds();
    fn(worker, start);
    if (ThreadSeconds() - run_before < kLeastRun * SecondsSince(start)) disturbed = true;
  });
  const double seconds = SecondsSince(start);
  return disturbed ? kDisturbed : seconds;
}

// Wide sums, which do not wait for each other: any instruction set reads at the speed of memory then.
uint64_t SumOf(std::span<const std::byte> bytes) {
  constexpr size_t kWords = 8;
  uint64_t sums[kWords] = {};
  for (size_t at = 0; at + sizeof(sums) <= bytes.size(); at += sizeof(sums)) {
    uint64_t words[kWords];
    std::memcpy(words, bytes.data() + at, sizeof(words));
    for (size_t i = 0; i < kWords; ++i) sums[i] += words[i];
  }
  uint64_t sum = 0;
  for (const uint64_t word : sums) sum ^= word;
  return sum;
}

// Weights in the order in which a step reads them, in chunks, over and over. No cache but one that holds them all has a
// chunk when it comes again.
class WeightChunks {
 public:
  static constexpr int64_t kBytes = 16 * 1024;

  // The first `most` of `weights`.
  WeightChunks(std::span<const std::span<const std::byte>> weights, int64_t most) {
    for (const std::span<const std::byte> weight : weights) {
      for (size_t at = 0; at + kBytes <= weight.size() && std::ssize(chunks_) < most; at += kBytes) {
        chunks_.push_back(weight.data() + at);
      }
    }
  }
  bool empty() const { return chunks_.empty(); }

  // The `count` that follow those of the call before.
  void Advance(int64_t count) { next_ += count; }
  uint64_t Sum(int64_t index) const { return SumOf({chunks_[(next_ + index) % chunks_.size()], kBytes}); }

 private:
  std::vector<const std::byte*> chunks_;
  int64_t next_ = 0;
};

}  // namespace

int FastestTeam(int threads, const TeamMeasure& measure) {
  const int sizes[] = {threads, std::max(1, threads / 2), std::max(1, threads / 4)};
  double best[std::size(sizes)];
  std::ranges::fill(best, kDisturbed);
  const TimePoint start = Now();
  for (int round = 0; threads > 1 && round < kRounds && SecondsSince(start) < kMostSeconds; ++round) {
    for (size_t i = 0; i < std::size(sizes); ++i) best[i] = std::min(best[i], measure(sizes[i]));
  }
  const size_t fastest = std::ranges::min_element(best) - best;
  if (best[0] == kDisturbed) return threads;
  return best[fastest] < kClearlyFaster * best[0] ? sizes[fastest] : threads;
}

TeamMeasure ReadingMeasure(ThreadTeam& team, std::span<const std::span<const std::byte>> weights,
                           int64_t bytes_between_barriers) {
  constexpr int64_t kBytesPerThread = int64_t{1} << 20;
  const int64_t all = team.num_threads() * kBytesPerThread / WeightChunks::kBytes;
  const int64_t between = std::clamp<int64_t>(bytes_between_barriers / WeightChunks::kBytes, 1, all);
  return [&team, chunks = WeightChunks(weights, kCalls * all), all, between](int workers) mutable {
    if (chunks.empty()) return 0.0;
    std::atomic<uint64_t> sum = 0;  // keeps the reads alive
    bool late = false;
    const double seconds = TimedRun(team, workers, [&](Worker& worker, TimePoint start) {
      uint64_t own = 0;
      for (int64_t first = 0; first < all; first += between) {
        worker.BarrierThen([&] { late = SecondsSince(start) > kMostSecondsOfCall; });
        if (late) break;
        worker.ForEach(std::min(between, all - first), 1, [&](int64_t begin, int64_t end) {
          for (int64_t chunk = begin; chunk < end; ++chunk) own += chunks.Sum(first + chunk);
        });
      }
      sum += own;
    });
    chunks.Advance(all);
    return late ? kDisturbed : seconds;
  };
}

TeamMeasure ComputingMeasure(ThreadTeam& team, Isa isa) {
  // A panel and a tile fill half of the smallest L1, and take a microsecond.
  constexpr int64_t kValues = 512, kTilesPerThread = 128;
  const auto product = std::make_shared<PanelProduct>(isa, DType::kQ4_0, kValues);
  const ActivationTiles tiles(DType::kQ4_0, kValues);
  const auto panel = std::make_shared<std::vector<std::byte>>(PanelBytes(DType::kQ4_0, kValues));
  const auto tile = std::make_shared<std::vector<std::byte>>(tiles.tile_bytes(kMaxTileTokens));
  return [&team, product, panel, tile](int workers) {
    return TimedRun(team, workers, [&](Worker& worker, TimePoint) {
      TileSums sums;
      worker.ForEach(team.num_threads() * kTilesPerThread, 4, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          product->Run({panel->data(), {}}, 0, TileAt(0, kMaxTileTokens), tile->data(), sums.values);
        }
      });
    });
  };
}

}  // namespace engine::cpu
