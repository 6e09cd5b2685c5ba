#include "benchmarks/gpu_probe.h"

#include <algorithm>

#include "backends/gpu/gpu_stream.h"
#include "backends/gpu/probe.h"
#include "core/base/clock.h"

namespace engine {
namespace {

// Long beside a launch.
constexpr double kLeastSeconds = 0.002;
// Of a chain. Short enough for the SIMT device, where a thread is a fiber.
constexpr int kRounds = 256;
// Any number that neither memory full of zeros nor the chains sum up to.
constexpr uint32_t kNever = 0x9e3779b9;

const gpu::KernelInstance& KernelOf(GpuLimit limit) {
  if (limit == GpuLimit::kRead) return gpu::kProbeRead;
  return limit == GpuLimit::kInt8 ? gpu::kProbeInt8 : gpu::kProbeF32;
}

// Bytes or operations of a block. A multiply-add is two operations, a dot product of four eight.
double WorkOf(GpuLimit limit) {
  if (limit == GpuLimit::kRead) return gpu::kProbeBlockBytes;
  return double{kRounds} * gpu::kProbeChains * KernelOf(limit).threads * (limit == GpuLimit::kInt8 ? 8 : 2);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GpuProbe>> GpuProbe::Create(Device& device, int64_t bytes) {
  ASSIGN_OR_RETURN(Buffer buffer, device.Allocate(bytes, MemoryKind::kDevice));
  ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, device.CreateStream());
  return std::unique_ptr<GpuProbe>(new GpuProbe(std::move(buffer), std::move(stream)));
}

int64_t GpuProbe::most_blocks(GpuLimit limit) const {
  constexpr int64_t kFull = 32768;  // many times what any device runs at once
  return limit == GpuLimit::kRead ? buffer_.size() / gpu::kProbeBlockBytes : kFull;
}

absl::StatusOr<double> GpuProbe::Seconds(GpuLimit limit, const Amount& amount) {
  const gpu::ProbeArgs args{
      .data = buffer_.data(), .out = reinterpret_cast<uint32_t*>(buffer_.data()), .never = kNever, .rounds = kRounds};
  const TimePoint start = Now();
  for (int64_t i = 0; i < amount.launches; ++i) {
    static_cast<gpu::GpuStream&>(*stream_).Enqueue(KernelOf(limit), {.x = amount.blocks}, &args);
  }
  ASSIGN_OR_RETURN(const uint64_t ticket, stream_->Record());
  RETURN_IF_ERROR(stream_->Wait(ticket));
  return SecondsSince(start);
}

absl::StatusOr<double> GpuProbe::Measure(GpuLimit limit) {
  Amount& amount = amounts_[static_cast<size_t>(limit)];
  if (!amount.is_enough) RETURN_IF_ERROR(Seconds(limit, amount).status());  // loads the kernel
  ASSIGN_OR_RETURN(double seconds, Seconds(limit, amount));
  while (!amount.is_enough) {
    amount.is_enough = seconds >= kLeastSeconds;
    if (amount.is_enough) break;
    if (amount.blocks < most_blocks(limit)) {
      amount.blocks = std::min(2 * amount.blocks, most_blocks(limit));
    } else {
      amount.launches *= 2;
    }
    ASSIGN_OR_RETURN(seconds, Seconds(limit, amount));
  }
  return WorkOf(limit) * static_cast<double>(amount.blocks * amount.launches) / seconds;
}

}  // namespace engine
