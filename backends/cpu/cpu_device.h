// The x86 server as a device: host memory, one thread team, programs run to their end inside Run().
#pragma once

#include <memory>

#include "backends/cpu/team_pace.h"
#include "backends/cpu/team_sizes.h"
#include "core/base/cpu_topology.h"
#include "core/base/thread_team.h"
#include "core/base/turns.h"
#include "core/device/device.h"

namespace engine {

struct CpuDeviceOptions {
  int threads = 0;  // 0: as many as the process may run on, or fewer of them where a program runs faster so
  // For tests. Where the kernel says which CPUs share what, and how memory is put on a node.
  std::string system_devices = kSystemDevices;
  std::function<void(std::span<std::byte> memory, int node)> prefer_node = PreferNode;
  // For tests. In place of the device's own measurements: of steps of few tokens, and of many.
  cpu::TeamMeasure measure_decode, measure_prefill;
};

class CpuDevice : public Device {
 public:
  // Fails when ENGINE_CPU_ISA names an instruction set that this machine lacks.
  static absl::StatusOr<std::unique_ptr<Device>> Create(const CpuDeviceOptions& options);

  const DeviceInfo& info() const override { return info_; }
  absl::StatusOr<Buffer> Allocate(int64_t bytes, MemoryKind kind) override;
  absl::StatusOr<Buffer> Reserve(int64_t bytes) override { return Allocate(bytes, MemoryKind::kDevice); }
  absl::StatusOr<int64_t> Back(const Buffer& buffer, int64_t bytes) override;
  void BackSparsely(const Buffer& buffer, int64_t bytes) override;
  void Place(std::span<std::byte> rows) override;
  absl::StatusOr<std::unique_ptr<Stream>> CreateStream() override;

  // The workers that suit a program, by measuring; all, where their number was asked for.
  cpu::TeamSizes Tune(const Program& program, std::span<const std::span<const std::byte>> weights);
  cpu::TeamSizes AllWorkers() const { return {info_.workers, info_.workers}; }

  // Every step on `workers` workers, with a barrier where the program asks for one. Streams of several engines share the
  // team: their programs run one at a time and take turns, while the threads of the others sleep.
  // `pace`, if any, may make them fewer.
  void Run(const Program& program, const StepExtents& extents, int workers, cpu::TeamPace* pace);
  // Whether their number is ours to choose.
  bool chooses_workers() const { return options_.threads == 0; }

 private:
  CpuDevice(DeviceInfo info, const CpuDeviceOptions& options, std::unique_ptr<ThreadTeam> team)
      : info_(std::move(info)), options_(options), team_(std::move(team)) {}

  DeviceInfo info_;
  CpuDeviceOptions options_;
  Turns turns_;
  std::unique_ptr<ThreadTeam> team_;  // whose turn it is uses it
};

}  // namespace engine
