// Which instruction set the CPU kernels run on.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/status.h"

namespace engine::cpu {

// Ordered: a machine that has one has all before it. Our kernels exist for each but the last (isa/vector.h).
enum class Isa {
  kPortable,  // any x86-64
  kAvx2,      // AVX2, FMA, F16C
  kAvx512,    // AVX-512 F, BW, VL, DQ, VNNI, BF16
  kAmx,       // AMX tiles of bf16 and int8, by oneDNN; all else runs the kernels of AVX-512
};

std::string_view Name(Isa isa);  // "portable", "avx2", "avx512", "amx": what DeviceInfo::isa holds
std::optional<Isa> ParseIsa(std::string_view name);

// The best instruction set of this machine and its operating system.
Isa MachineIsa();

// MachineIsa(), or the lower one that the environment variable ENGINE_CPU_ISA names.
absl::StatusOr<Isa> DetectIsa();

}  // namespace engine::cpu
