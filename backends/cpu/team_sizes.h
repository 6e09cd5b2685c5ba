// How many workers a step runs on. Reading weights for one token saturates memory with few cores of a large machine, where
// more only make barriers longer; the two threads of one core may compute less together than one does.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "backends/cpu/isa/detect.h"
#include "core/base/thread_team.h"
#include "core/device/step_extents.h"

namespace engine::cpu {

struct TeamSizes {
  int decode;
  int prefill;

  int Of(const StepExtents& extents) const { return extents.tokens <= kDecodeTokens ? decode : prefill; }

  // Of a step that memory binds: with more, arithmetic does.
  static constexpr int kDecodeTokens = 4;
};

// Seconds that the same work, a tenth of a millisecond for a whole team, takes on `workers` of it; infinity where other
// programs ran on their cores meanwhile, which says nothing about another time.
using TeamMeasure = std::function<double(int workers)>;

// All, half or a quarter of `threads`: all, unless fewer are clearly faster. Asks three times for each, in turn, and believes
// the best, as what disturbs a machine only ever makes it slower; all, where it was disturbed each time.
int FastestTeam(int threads, const TeamMeasure& measure);

// Reads some of `weights` as a step of one token does, `bytes_between_barriers` at a time.
TeamMeasure ReadingMeasure(ThreadTeam& team, std::span<const std::span<const std::byte>> weights,
                           int64_t bytes_between_barriers);

// Dot products out of each core's own cache.
TeamMeasure ComputingMeasure(ThreadTeam& team, Isa isa);

}  // namespace engine::cpu
