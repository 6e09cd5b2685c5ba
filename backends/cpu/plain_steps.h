// How bf16, f16 and f32 weights take one step of the chain of numerics rule 3, for 16 outputs at once. A unit is what a
// token contributes to a step, four bytes: a pair of bf16 or one f32.
#pragma once

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_
ENGINE_INLINE_BEGIN_

namespace engine::cpu::ENGINE_ISA {

// kWeights: weights of one output in a unit. kWeightBytes: of 16 outputs. Scope stands around the call of a noinline
// chain (FlushDenormalsScope).
struct Bf16Steps {
  using Scope = FlushDenormalsScope;
  static constexpr int64_t kWeights = 2;
  static constexpr int64_t kWeightBytes = 64;
  static auto LoadWeights(const std::byte* at) { return LoadBf16Pairs(reinterpret_cast<const uint16_t*>(at)); }
  static auto BroadcastUnit(const std::byte* at) { return BroadcastBf16Pair(reinterpret_cast<const uint16_t*>(at)); }
  // The unit comes last: an instruction broadcasts its last operand itself. A broadcast of its own for every step
  // costs a third of the steps' time.
  static F32x16 Step(F32x16 acc, Bf16x32 unit, Bf16x32 weights) { return DotBf16Pairs(acc, weights, unit); }
};

struct DenormalsKept {};

struct FloatSteps {
  using Scope = DenormalsKept;
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
