// Programs on a GPU: every step's kernels enqueued in order, from the second time on as a graph where there can be one.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "backends/gpu/communicator.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/replay_cache.h"

namespace engine {

struct Step;

}  // namespace engine

namespace engine::gpu {

class GpuStream : public Stream {
 public:
  // communicator: with the devices that compute programs together with this one; null: it does so alone.
  static absl::StatusOr<std::unique_ptr<Stream>> Create(GpuDevice& device,
                                                        std::unique_ptr<Communicator> communicator = nullptr);
  ~GpuStream() override;

  absl::Status Run(const Program& program, const StepExtents& extents) override;
  absl::Status Copy(std::byte* destination, const std::byte* source, int64_t bytes) override;
  absl::StatusOr<uint64_t> Record() override;
  absl::Status Wait(uint64_t ticket) override;

  int num_replayed() const { return replays_.num_steps(); }

  // For kernels. What goes wrong fails this stream from here on: Run, Copy, Record and Wait return it.
  void Enqueue(const KernelInstance& kernel, const GpuGrid& grid, const void* args);
  // False if the vendor's library cannot, and nothing has happened.
  bool Multiply(const GpuProduct& product);
  void AllGather(const Gather& gather);

 private:
  struct Ticket {
    uint64_t number;
    GpuEvent event;
  };

  GpuStream(GpuDevice& device, std::unique_ptr<Communicator> communicator)
      : device_(device), communicator_(std::move(communicator)), replays_(device.driver()) {}
  void EnqueueAll(std::span<const Step> steps, const StepExtents& extents);
  bool Replay(ReplayCache::Entry& entry, size_t part, std::span<const Step> steps, const StepExtents& extents);
  absl::StatusOr<GpuGraph> Capture(std::span<const Step> steps, const StepExtents& extents);
  absl::Status Stick(absl::Status status);

  GpuDevice& device_;
  std::unique_ptr<Communicator> communicator_;
  GpuQueue queue_;
  ReplayCache replays_;
  absl::Status status_;
  uint64_t last_ticket_ = 0;
  std::deque<Ticket> pending_;
  std::vector<GpuEvent> free_events_;
};

}  // namespace engine::gpu
