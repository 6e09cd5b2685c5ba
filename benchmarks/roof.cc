#include "benchmarks/roof.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace engine {
namespace {

// A probe reads this much per worker: about two milliseconds.
constexpr int64_t kBytesPerWorker = int64_t{32} << 20;

// Probes walk through the buffer, so that no cache holds a byte when it comes again.
int64_t BufferBytes(const DeviceInfo& device, int64_t probe_bytes) {
  const int64_t probes = (UncachedBytes(device) + probe_bytes - 1) / probe_bytes;
  return (probes + 1) * probe_bytes;
}

GpuLimit LimitOnGpu(Limit limit) {
  switch (limit) {
    case Limit::kMemory:
      return GpuLimit::kRead;
    case Limit::kInt8Dots:
      return GpuLimit::kInt8;
    case Limit::kBf16Dots:
      return GpuLimit::kBf16;
    case Limit::kF32Fmas:
      return GpuLimit::kF32;
  }
}

}  // namespace

int64_t UncachedBytes(const DeviceInfo& device) {
  if (device.kind == "simt") return int64_t{4} << 20;
  // Four times the largest last cache of a GPU, the MI300's.
  if (device.kind == "cuda" || device.kind == "rocm") return int64_t{1} << 30;
  return std::max(int64_t{256} << 20, 4 * int64_t{sysconf(_SC_LEVEL3_CACHE_SIZE)});
}

Limit DotLimit(DType weights) {
  if (IsBlockQuantised(weights)) return Limit::kInt8Dots;
  return weights == DType::kBF16 ? Limit::kBf16Dots : Limit::kF32Fmas;
}

Limit AttentionLimit(DType cache) {
  if (cache == DType::kI8) return Limit::kInt8Dots;
  return cache == DType::kF32 ? Limit::kF32Fmas : Limit::kBf16Dots;
}

absl::StatusOr<std::unique_ptr<Roof>> Roof::Create(Device& device) {
  const DeviceInfo& info = device.info();
  if (!info.reads_host_memory) {
    std::unique_ptr<Roof> roof(new Roof(info));
    ASSIGN_OR_RETURN(roof->gpu_, GpuProbe::Create(device, UncachedBytes(info)));
    return roof;
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ThreadTeam> team, ThreadTeam::Create({.num_threads = info.workers, .pin = true}));
  ASSIGN_OR_RETURN(Buffer buffer,
                   device.Allocate(BufferBytes(info, kBytesPerWorker * info.workers), MemoryKind::kHost));
  // Untouched pages are all the same page of zeros. Each worker touches what it will read, as that decides the NUMA node.
  team->Run([&](Worker& worker) {
    const int64_t stride = worker.count() * kBytesPerWorker;
    for (int64_t at = worker.index() * kBytesPerWorker; at < buffer.size(); at += stride) {
      std::memset(buffer.data() + at, 1, kBytesPerWorker);
    }
  });
  return std::unique_ptr<Roof>(new Roof(info, std::move(team), std::move(buffer)));
}

double Roof::Measure(Limit limit, Clock clock) {
  if (gpu_ != nullptr) return gpu_->Measure(LimitOnGpu(limit)).value_or(0);
  const std::optional<cpu::Isa> isa = cpu::ParseIsa(device_.isa);
  if (!isa) return 0;
  if (limit == Limit::kInt8Dots) return Int8Rate(*team_, *isa, clock);
  if (limit == Limit::kBf16Dots) return Bf16Rate(*team_, *isa, clock);
  if (limit == Limit::kF32Fmas) return F32Rate(*team_, *isa, clock);
  const int64_t bytes = kBytesPerWorker * team_->num_threads();
  const double rate = ReadRate(*team_, *isa, {buffer_.data() + next_byte_, static_cast<size_t>(bytes)}, clock);
  next_byte_ = (next_byte_ + bytes) % buffer_.size();
  return rate;
}

}  // namespace engine
