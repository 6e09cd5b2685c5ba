#include "benchmarks/roof.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "benchmarks/machine_probe.h"

namespace engine {
namespace {

// Four times the last cache, so that hardly any of it is found there on the next pass.
int64_t ProbeBytes() {
  constexpr int64_t kLeastBytes = int64_t{128} << 20;
  return std::max<int64_t>(kLeastBytes, 4 * int64_t{sysconf(_SC_LEVEL3_CACHE_SIZE)});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Roof>> Roof::Create(Device& device) {
  const DeviceInfo& info = device.info();
  ASSIGN_OR_RETURN(std::unique_ptr<ThreadTeam> team, ThreadTeam::Create({.num_threads = info.workers, .pin = true}));
  ASSIGN_OR_RETURN(Buffer buffer, device.Allocate(ProbeBytes(), MemoryKind::kHost));
  std::memset(buffer.data(), 1, buffer.size());  // pages of its own: untouched ones are all the same page of zeros
  return std::unique_ptr<Roof>(new Roof(info, std::move(team), std::move(buffer)));
}

double Roof::Measure(RoofKind kind, DType weights) {
  const std::optional<cpu::Isa> isa = cpu::ParseIsa(device_.isa);
  if (!isa) return 0;
  if (kind == RoofKind::kMemory) return ReadRate(*team_, *isa, {buffer_.data(), static_cast<size_t>(buffer_.size())});
  if (IsBlockQuantised(weights)) return Int8Rate(*team_, *isa);
  return weights == DType::kF32 ? 0 : Bf16Rate(*team_, *isa);
}

}  // namespace engine
