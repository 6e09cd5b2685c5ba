#include "benchmarks/machine_probe.h"

#include <algorithm>
#include <ctime>

#include "backends/cpu/vector_entries.h"
#include "benchmarks/probe_loops.h"

namespace engine {
namespace {

const cpu::ProbeLoops& LoopsOf(cpu::Isa isa) {
  return cpu::CodeFor(isa, cpu::portable::kProbes, cpu::avx2::kProbes, cpu::avx512::kProbes);
}

// 32-byte loads read memory 7 % faster than 64-byte ones on one Zen 4 core, and as fast on all.
auto ReadLoop(cpu::Isa isa) { return LoopsOf(std::min(isa, cpu::Isa::kAvx2)).read; }

// One to two milliseconds, long beside a barrier.
constexpr int64_t kDots = 4'200'000;

double DotRate(ThreadTeam& team, Clock clock, void (*dots)(int64_t), double operations_per_dot) {
  const double seconds = TimedRun(team, clock, [&](Worker&) { dots(kDots); });
  return static_cast<double>(kDots * team.num_threads()) * operations_per_dot / seconds;
}

}  // namespace

Stopwatch::Stopwatch(Clock clock, int threads) : clock_(clock), threads_(threads), start_(Now()) {}

double Stopwatch::Now() const {
  timespec now;
  clock_gettime(clock_ == Clock::kWall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &now);
  const double seconds = static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  return clock_ == Clock::kWall ? seconds : seconds / threads_;
}

double ReadRate(ThreadTeam& team, cpu::Isa isa, std::span<const std::byte> bytes, Clock clock) {
  constexpr int64_t kChunk = int64_t{1} << 20;
  const int64_t chunks = static_cast<int64_t>(bytes.size()) / kChunk;
  const double seconds = TimedRun(team, clock, [&](Worker& worker) {
    worker.ForEach(chunks, 1, [&](int64_t begin, int64_t end) {
      ReadLoop(isa)(bytes.data() + begin * kChunk, (end - begin) * kChunk);
    });
  });
  return static_cast<double>(chunks * kChunk) / seconds;
}

// 16 lanes of four products, of two, and of one.
double Int8Rate(ThreadTeam& team, cpu::Isa isa, Clock clock) {
  return DotRate(team, clock, LoopsOf(isa).int8_dots, 128.0);
}
double Bf16Rate(ThreadTeam& team, cpu::Isa isa, Clock clock) {
  return DotRate(team, clock, LoopsOf(isa).bf16_dots, 64.0);
}
double F32Rate(ThreadTeam& team, cpu::Isa isa, Clock clock) {
  return DotRate(team, clock, LoopsOf(isa).f32_fmas, 32.0);
}

}  // namespace engine
