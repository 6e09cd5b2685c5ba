// Gate functions of an MLP, as one sequence of operations for scalars and vectors (core/base/math.h).
#pragma once

#include <string_view>

#include "core/base/math.h"

namespace engine {

enum class Activation : uint8_t { kSilu, kGeluTanh };

constexpr std::string_view Name(Activation activation) {
  return activation == Activation::kSilu ? "silu" : "gelu_tanh";
}

// x * sigmoid(x)
template <typename V>
constexpr V Silu(V x) {
  return x * Sigmoid(x);
}

// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
template <typename V>
constexpr V GeluTanh(V x) {
  const V cubic = Fma(V(0.044715f) * (x * x), x, x);
  return (V(0.5f) * x) * (V(1.0f) + Tanh(V(0.797884561f) * cubic));
}

template <typename V>
constexpr V Activate(Activation activation, V x) {
  return activation == Activation::kSilu ? Silu(x) : GeluTanh(x);
}

}  // namespace engine
