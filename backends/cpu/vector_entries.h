// The entries of an op whose code exists once per instruction set.
#pragma once

#include <array>
#include <memory>

#include "backends/cpu/isa/detect.h"
#include "core/kernel/kernel.h"

namespace engine::cpu {

// OK, or "needs avx512; this device runs avx2".
absl::Status RequireIsa(const Problem& problem, Isa isa);

template <typename Family, Isa kIsa>
KernelEntry VectorEntry(Exactness exactness) {
  return {.name = Family::kNames[static_cast<int>(kIsa)],
          .op = &Family::Schema(),
          .exactness = exactness,
          .supports =
              [](const Problem& problem) {
                RETURN_IF_ERROR(RequireIsa(problem, kIsa));
                return Family::Supports(problem);
              },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return Family::Prepare(problem, kIsa);
          }};
}

// Best first. Family has kNames in the order of Isa, Schema(), Supports(problem) and Prepare(problem, isa).
template <typename Family>
std::array<KernelEntry, 3> VectorEntries(Exactness exactness = Exactness::kExact) {
  return {VectorEntry<Family, Isa::kAvx512>(exactness), VectorEntry<Family, Isa::kAvx2>(exactness),
          VectorEntry<Family, Isa::kPortable>(exactness)};
}

// The copy of `code` that was compiled for `isa`.
template <typename Code>
const Code& CodeFor(Isa isa, const Code& portable, const Code& avx2, const Code& avx512) {
  return isa >= Isa::kAvx512 ? avx512 : isa == Isa::kAvx2 ? avx2 : portable;
}

}  // namespace engine::cpu
