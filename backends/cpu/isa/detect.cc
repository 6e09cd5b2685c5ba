#include "backends/cpu/isa/detect.h"

#include <cstdlib>

namespace engine::cpu {
namespace {

constexpr Isa kAll[] = {Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kAmx};

}  // namespace

std::string_view Name(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return "portable";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAmx:
      return "amx";
  }
  return "unknown";
}

std::optional<Isa> ParseIsa(std::string_view name) {
  for (const Isa isa : kAll) {
    if (Name(isa) == name) return isa;
  }
  return std::nullopt;
}

// The builtin also asks whether the operating system saves the registers.
Isa MachineIsa() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
  const bool amx =
      __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-int8");
  if (avx2 && avx512 && amx) return Isa::kAmx;
  if (avx2 && avx512) return Isa::kAvx512;
  return avx2 ? Isa::kAvx2 : Isa::kPortable;
}

absl::StatusOr<Isa> DetectIsa() {
  const Isa machine = MachineIsa();
  const char* forced = std::getenv("ENGINE_CPU_ISA");
  if (forced == nullptr || *forced == '\0') return machine;
  const std::optional<Isa> isa = ParseIsa(forced);
  if (!isa) return InvalidArgument("ENGINE_CPU_ISA is '%s'; it must be portable, avx2, avx512 or amx", forced);
  if (*isa > machine) {
    return InvalidArgument("ENGINE_CPU_ISA is %s, but this machine's best is %s; unset it or name a lower one", forced,
                           Name(machine));
  }
  return *isa;
}

}  // namespace engine::cpu
