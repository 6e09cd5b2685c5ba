// What the machine can do at this moment, to measure kernels against: ratios survive a clock or a neighbour that changes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "backends/cpu/isa/detect.h"
#include "core/base/thread_team.h"

namespace engine {

// kWall, or the time that the process ran on all its threads, divided by their number: the better clock where other
// programs share the machine.
enum class Clock { kWall, kThreads };

class Stopwatch {
 public:
  Stopwatch(Clock clock, int threads);
  double seconds() const { return Now() - start_; }

 private:
  double Now() const;

  Clock clock_;
  int threads_;
  double start_;
};

// Seconds from when all workers of `team` are awake until the last of them is done with fn(worker), whoever lost its core
// meanwhile.
template <typename Fn>
double TimedRun(ThreadTeam& team, Clock clock, Fn&& fn) {
  std::optional<Stopwatch> watch;
  double seconds = 0;
  team.Run([&](Worker& worker) {
    worker.BarrierThen([&] { watch.emplace(clock, team.num_threads()); });
    fn(worker);
    worker.BarrierThen([&] { seconds = watch->seconds(); });
  });
  return seconds;
}

// Bytes per second with which all workers together read `bytes` once, front to back.
double ReadRate(ThreadTeam& team, cpu::Isa isa, std::span<const std::byte> bytes, Clock clock = Clock::kWall);

// Operations per second of the instruction set's dot products, from registers: int8 quads, the roof of quantised
// prefill, bf16 pairs, and multiply-adds of f32. A multiply-add is two operations.
double Int8Rate(ThreadTeam& team, cpu::Isa isa, Clock clock = Clock::kWall);
double Bf16Rate(ThreadTeam& team, cpu::Isa isa, Clock clock = Clock::kWall);
double F32Rate(ThreadTeam& team, cpu::Isa isa, Clock clock = Clock::kWall);

}  // namespace engine
