// A device's end of a group that computes one model together, each with its own thread, queue and slices of weights.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backends/gpu/driver.h"

namespace engine::gpu {

// What one device gives and gets: rows of its slice, side by side with those of the others in `out`.
struct Gather {
  const std::byte* slice;
  int64_t row_bytes;  // of the slice
  int64_t rows;
  std::byte* out;  // rows of as many slices as there are devices
};

// All devices of the group make the same calls in the same order, each from a thread of its own.
class Communicator {
 public:
  virtual ~Communicator() = default;

  // Enqueues: in order with the rest of `queue`, and behind what the other devices were given before theirs. May wait for
  // their threads, never for their work.
  virtual absl::Status AllGather(GpuQueue queue, const Gather& gather) = 0;

  // This device has failed: every call of the others returns that, from now on.
  virtual void Abort(const absl::Status& error) = 0;
};

// Of a slice on its way that each device of a group in this process has, used in turn. A device is two gathers ahead of
// another only behind an event that the other recorded in the gather between, so behind its copies from the place that is
// then used again.
inline constexpr int kPlaces = 2;

// The ends of a group in this process, in the order of `drivers`, which outlive them. Slices have at most `slice_bytes`.
// Goes through the devices' memory where each reaches the others', else through the host's.
absl::StatusOr<std::vector<std::unique_ptr<Communicator>>> ConnectInProcess(std::span<GpuDriver* const> drivers,
                                                                            int64_t slice_bytes);

}  // namespace engine::gpu
