#include "benchmarks/gpu_probe.h"

#include <algorithm>

#include "backends/gpu/gpu_stream.h"
#include "backends/gpu/probe.h"
#include "core/base/clock.h"

namespace engine {
namespace {

// Long beside a launch.
constexpr double kLeastSeconds = 0.002;
// Of a chain, and of a matrix unit. Short enough for the SIMT device, where a thread is a fiber and a matrix step
// thousands of operations.
constexpr int kRounds = 256;
constexpr int kMatrixRounds = 64;
// Any number that neither memory full of zeros nor the chains sum up to.
constexpr uint32_t kNever = 0x9e3779b9;

const gpu::KernelInstance& KernelOf(GpuLimit limit) {
  switch (limit) {
    case GpuLimit::kRead:
      return gpu::kProbeRead;
    case GpuLimit::kInt8:
      return gpu::kProbeInt8;
    case GpuLimit::kBf16:
      return gpu::kProbeBf16;
    case GpuLimit::kF32:
      return gpu::kProbeF32;
  }
}

bool UsesMatrixUnits(GpuLimit limit) { return limit == GpuLimit::kInt8 || limit == GpuLimit::kBf16; }

// Bytes or operations of a block. A multiply-add is two operations; a step of a matrix unit has 16 x 16 sums of 32
// products of int8, or of 16 of bf16.
double WorkOf(GpuLimit limit) {
  const int threads = KernelOf(limit).threads;
  if (limit == GpuLimit::kRead) return gpu::kProbeBlockBytes;
  if (limit == GpuLimit::kF32) return double{kRounds} * gpu::kProbeChains * threads * 2;
  const int step = 16 * 16 * (limit == GpuLimit::kInt8 ? 32 : 16) * 2;
  const int warps = threads / 32;
  return double{kMatrixRounds} * gpu::kProbeTiles * warps * step;
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
  const gpu::ProbeArgs args{.data = buffer_.data(),
                            .out = reinterpret_cast<uint32_t*>(buffer_.data()),
                            .never = kNever,
                            .rounds = UsesMatrixUnits(limit) ? kMatrixRounds : kRounds};
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
