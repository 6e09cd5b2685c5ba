// The x86 server as a device: host memory, one thread team, programs run to their end inside Run().
#pragma once

#include <memory>

#include "core/base/thread_team.h"
#include "core/base/turns.h"
#include "core/device/device.h"

namespace engine {

struct CpuDeviceOptions {
  int threads = 0;  // 0: as many as the process may run on
};

class CpuDevice : public Device {
 public:
  // Fails when ENGINE_CPU_ISA names an instruction set that this machine lacks.
  static absl::StatusOr<std::unique_ptr<Device>> Create(const CpuDeviceOptions& options);

  const DeviceInfo& info() const override { return info_; }
  absl::StatusOr<Buffer> Allocate(int64_t bytes, MemoryKind kind) override;
  absl::StatusOr<Buffer> Reserve(int64_t bytes) override { return Allocate(bytes, MemoryKind::kDevice); }
  absl::StatusOr<int64_t> Back(const Buffer& buffer, int64_t bytes) override;
  absl::StatusOr<std::unique_ptr<Stream>> CreateStream() override;

  // Every step on every worker, with a barrier where the program asks for one. Streams of several engines share the
  // team: their programs run one at a time and take turns, while the threads of the others sleep.
  void Run(const Program& program, const StepExtents& extents);

 private:
  CpuDevice(DeviceInfo info, std::unique_ptr<ThreadTeam> team) : info_(std::move(info)), team_(std::move(team)) {}

  DeviceInfo info_;
  Turns turns_;
  std::unique_ptr<ThreadTeam> team_;  // whose turn it is uses it
};

}  // namespace engine
