// Devices that gather slices round after round, each from a thread of its own.
#pragma once

#include <span>
#include <vector>

#include "backends/gpu/communicator.h"

namespace engine::gpu {

inline constexpr int kGatherRounds = 12;

// Of each device, the first error of its rounds, or what was wrong with what it got. Slices differ by device, round and
// place; a device reuses the memory of a slice as soon as the next round comes, without waiting. `failing` gives up
// after half of its rounds.
std::vector<absl::Status> GatherRounds(std::span<GpuDriver* const> drivers, int failing = -1);

}  // namespace engine::gpu
