// How bf16, f16 and f32 weights take one step of the chain of numerics rule 3, for 16 outputs at once. A unit is what a
// token contributes to a step (backends/cpu/panel_tile.h).
#pragma once

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// kUnitBytes: of a unit. kWeights: weights of one output in it. kWeightBytes: of 16 outputs. Scope stands around the call of a noinline
// chain (FlushDenormalsScope).
struct Bf16Steps {
  using Scope = FlushDenormalsScope;
  static constexpr int64_t kUnitBytes = 4;
  static constexpr int64_t kWeights = 2;
  static constexpr int64_t kWeightBytes = 64;
  static auto LoadWeights(const std::byte* at) { return LoadBf16Pairs(reinterpret_cast<const uint16_t*>(at)); }
  static auto BroadcastUnit(const std::byte* at) { return BroadcastBf16Pair(reinterpret_cast<const uint16_t*>(at)); }
  // The unit comes last: an instruction broadcasts its last operand itself. A broadcast of its own for every step
  // costs a third of the steps' time.
  static F32x16 Step(F32x16 acc, Bf16x32 unit, Bf16x32 weights) { return DotBf16Pairs(acc, weights, unit); }
};

#if ENGINE_ISA_LEVEL < 2
// Without an instruction for pairs: activations were widened when their tile was packed, once for all panels. Shifts and
// masks of a step take the ports of its multiplications.
struct WidenedSteps : Bf16Steps {
  static constexpr int64_t kUnitBytes = 8;
  static F32Pairs LoadWeights(const std::byte* at) { return Widen(Bf16Steps::LoadWeights(at)); }
  static F32Pairs BroadcastUnit(const std::byte* at) {
    const float* const pair = reinterpret_cast<const float*>(at);
    return {F32x16(pair[0]), F32x16(pair[1])};
  }
  static F32x16 Step(F32x16 acc, F32Pairs unit, F32Pairs weights) { return DotPairs(acc, weights, unit); }
};
#else
using WidenedSteps = Bf16Steps;
#endif

struct DenormalsKept {};

struct FloatSteps {
  using Scope = DenormalsKept;
  static constexpr int64_t kUnitBytes = 4;
  static constexpr int64_t kWeights = 1;
  static auto BroadcastUnit(const std::byte* at) { return F32x16(*reinterpret_cast<const float*>(at)); }
  static F32x16 Step(F32x16 acc, F32x16 unit, F32x16 weights) { return Fma(unit, weights, acc); }
};

struct F32Steps : FloatSteps {
  static constexpr int64_t kWeightBytes = 64;
  static auto LoadWeights(const std::byte* at) { return Load(reinterpret_cast<const float*>(at)); }
};

struct F16Steps : FloatSteps {
  static constexpr int64_t kWeightBytes = 32;
  static auto LoadWeights(const std::byte* at) { return LoadF16(reinterpret_cast<const uint16_t*>(at)); }
};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_INLINE_END_
ENGINE_ISA_END_
