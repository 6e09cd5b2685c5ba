#include "conformance/launcher.h"

#include "core/base/check.h"

namespace engine {
namespace {

std::vector<Tensor> TensorsOf(const std::vector<GuardedBytes>& memory, const std::vector<const TensorSpec*>& specs) {
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < memory.size(); ++i) tensors.push_back({memory[i].data(), specs[i]});
  return tensors;
}

class TeamLauncher : public Launcher {
 public:
  explicit TeamLauncher(std::unique_ptr<ThreadTeam> team) : team_(std::move(team)) {}

  absl::Status Launch(const Kernel& kernel, FencedLaunch& launch) override {
    const std::vector<Tensor> in = TensorsOf(launch.in, launch.in_specs);
    const std::vector<Tensor> out = TensorsOf(launch.out, launch.out_specs);
    team_->Run([&](Worker& worker) { kernel.Launch({in, out, launch.scratch.bytes(), launch.extents, worker}); });
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<ThreadTeam> team_;
};

class DeviceLauncher : public Launcher {
 public:
  DeviceLauncher(Device& device, bool fenced, std::unique_ptr<Stream> stream)
      : device_(device), fence_(fenced ? GuardedBytes::kFence : 0), stream_(std::move(stream)) {}

  absl::Status Launch(const Kernel& kernel, FencedLaunch& launch) override {
    std::vector<Buffer> in, out;
    for (const GuardedBytes& input : launch.in) RETURN_IF_ERROR(Place(input, true, in));
    for (const GuardedBytes& output : launch.out) RETURN_IF_ERROR(Place(output, fence_ > 0, out));
    RETURN_IF_ERROR(Place(launch.scratch, fence_ > 0, out));
    const std::vector<Tensor> in_tensors = TensorsIn(in, launch.in_specs);
    const std::vector<Tensor> out_tensors = TensorsIn(out, launch.out_specs);
    const std::span scratch(out.back().data() + fence_, launch.scratch.bytes().size());
    Worker worker(0, 1, nullptr);
    kernel.Launch({in_tensors, out_tensors, scratch, launch.extents, worker, stream_.get()});
    for (size_t i = 0; i < in.size(); ++i) RETURN_IF_ERROR(Fetch(in[i], launch.in[i]));
    for (size_t o = 0; o < launch.out.size(); ++o) RETURN_IF_ERROR(Fetch(out[o], launch.out[o]));
    if (fence_ > 0) RETURN_IF_ERROR(Fetch(out.back(), launch.scratch));
    ASSIGN_OR_RETURN(const uint64_t ticket, stream_->Record());
    return stream_->Wait(ticket);
  }

 private:
  std::span<std::byte> PartOf(const GuardedBytes& memory) const {
    return fence_ > 0 ? memory.with_fences() : memory.bytes();
  }
  absl::Status Place(const GuardedBytes& memory, bool copied, std::vector<Buffer>& buffers) {
    const std::span<std::byte> bytes = PartOf(memory);
    ASSIGN_OR_RETURN(Buffer buffer, device_.Allocate(std::ssize(bytes), MemoryKind::kDevice));
    if (copied) RETURN_IF_ERROR(stream_->Copy(buffer.data(), bytes.data(), std::ssize(bytes)));
    buffers.push_back(std::move(buffer));
    return absl::OkStatus();
  }
  std::vector<Tensor> TensorsIn(const std::vector<Buffer>& buffers, const std::vector<const TensorSpec*>& specs) const {
    std::vector<Tensor> tensors;
    for (size_t i = 0; i < specs.size(); ++i) tensors.push_back({buffers[i].data() + fence_, specs[i]});
    return tensors;
  }
  absl::Status Fetch(const Buffer& buffer, const GuardedBytes& memory) {
    const std::span<std::byte> bytes = PartOf(memory);
    return stream_->Copy(bytes.data(), buffer.data(), std::ssize(bytes));
  }

  Device& device_;
  int64_t fence_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Launcher> LaunchOnTeam(int workers) {
  auto team = ThreadTeam::Create({.num_threads = workers});
  ENGINE_CHECK(team.ok());
  return std::make_unique<TeamLauncher>(*std::move(team));
}

absl::StatusOr<std::unique_ptr<Launcher>> LaunchOnDevice(Device& device, bool fenced) {
  ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, device.CreateStream());
  return std::make_unique<DeviceLauncher>(device, fenced, std::move(stream));
}

}  // namespace engine
