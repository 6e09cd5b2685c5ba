#include "ops/weight_dot.h"

#include <algorithm>
#include <cmath>

#include "core/base/bf16.h"
#include "core/base/bf16_dot.h"
#include "core/base/check.h"
#include "core/tensor/q8_row.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

// Rule 3's outer sum: `chunk(begin, end)` for each 2048 elements, added in order starting from the first.
template <typename Chunk>
float SumChunks(int64_t k, Chunk&& chunk) {
  float sum = chunk(int64_t{0}, std::min(kReductionChunk, k));
  for (int64_t begin = kReductionChunk; begin < k; begin += kReductionChunk) {
    sum += chunk(begin, std::min(begin + kReductionChunk, k));
  }
  return sum;
}

template <typename Element>
float Widen(Element value) {
  if constexpr (sizeof(Element) == sizeof(uint16_t)) return F16ToF32(value);
  return value;
}

template <typename Element>
float FloatDot(const float* x, const Element* w, int64_t k) {
  return SumChunks(k, [&](int64_t begin, int64_t end) {
    float acc = 0.0f;
    for (int64_t i = begin; i < end; ++i) acc = std::fma(x[i], Widen(w[i]), acc);
    return acc;
  });
}

// One activation group: its segments are as long as the weight's groups, 32 or 16 values.
float GroupDot(Q8Row x, int64_t activation_group, DType weight, const std::byte* w) {
  const int64_t segment_values = std::min<int64_t>(GroupValues(weight), kActivationGroup);
  const int64_t segments = kActivationGroup / segment_values;
  float inner = 0.0f;
  QuantGroup group;
  for (int64_t segment = activation_group * segments; segment < (activation_group + 1) * segments; ++segment) {
    UnpackGroup(weight, w, segment, group);
    const int8_t* values = x.values + segment * segment_values;
    int dot = 0;
    int sum = 0;
    for (int64_t i = 0; i < segment_values; ++i) {
      dot += values[i] * group.q[i];
      sum += values[i];
    }
    inner = std::fma(static_cast<float>(dot - group.zero_point * sum), group.scale, inner);
    if (HasOffset(weight)) inner = std::fma(static_cast<float>(sum), group.offset, inner);
  }
  return inner;
}

float QuantisedDot(Q8Row x, DType weight, const std::byte* w, int64_t k) {
  return SumChunks(k, [&](int64_t begin, int64_t end) {
    float acc = 0.0f;
    for (int64_t g = begin / kActivationGroup; g < end / kActivationGroup; ++g) {
      acc = std::fma(GroupDot(x, g, weight, w), x.scales[g], acc);
    }
    return acc;
  });
}

}  // namespace

float WeightDot(LinearInput input, const std::byte* x, DType weight, const std::byte* w, int64_t k) {
  if (input == LinearInput::kQ8Group) return QuantisedDot(Q8RowAt(const_cast<std::byte*>(x), k), weight, w, k);
  if (input == LinearInput::kBf16) {
    const auto* a = reinterpret_cast<const uint16_t*>(x);
    const auto* b = reinterpret_cast<const uint16_t*>(w);
    return SumChunks(k, [&](int64_t begin, int64_t end) { return Bf16Dot(a + begin, b + begin, end - begin); });
  }
  const auto* values = reinterpret_cast<const float*>(x);
  if (weight == DType::kF16) return FloatDot(values, reinterpret_cast<const uint16_t*>(w), k);
  ENGINE_CHECK(weight == DType::kF32);
  return FloatDot(values, reinterpret_cast<const float*>(w), k);
}

}  // namespace engine
