#include "backends/cpu/row_arithmetic.h"

#include <algorithm>

#include "backends/cpu/isa/activation.h"
#include "backends/cpu/isa/vector.h"
#include "backends/cpu/long_sum.h"
#include "backends/cpu/row_store.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

// 1 / sqrt(mean of squares + epsilon), in every lane.
F32x16 InverseNorm(const float* x, int64_t d, float epsilon) {
  const F32x16 mean = F32x16(SumOfSquares(x, d)) / F32x16(static_cast<float>(d));
  return F32x16(1.0f) / Sqrt(mean + F32x16(epsilon));
}

F32x16 Normalised(const float* x, F32x16 inverse, const float* weight) { return (Load(x) * inverse) * Load(weight); }

template <typename Out>
void NormAs(const NormRow& row) {
  const float* x = row.x;
  if (row.delta != nullptr) {
    for (int64_t i = 0; i < row.d; i += 16) Store(row.sum + i, Load(row.x + i) + Load(row.delta + i));
    x = row.sum;
  }
  const F32x16 inverse = InverseNorm(x, row.d, row.epsilon);
  const Out y(row.y, row.d);
  for (int64_t i = 0; i < row.d; i += kStoreStep) {
    y.Set(i, Normalised(x + i, inverse, row.weight + i), Normalised(x + i + 16, inverse, row.weight + i + 16));
  }
}

void Norm(const NormRow& row) {
  if (row.out == DType::kQ8Group) return NormAs<Q8GroupRow>(row);
  if (row.out == DType::kBF16) return NormAs<Bf16Row>(row);
  NormAs<F32Row>(row);
}

struct SiluTimesUp {
  static F32x16 At(const GateRow& row, int64_t i) { return Silu(Load(row.gate + i)) * Load(row.up + i); }
};
struct GeluTanhTimesUp {
  static F32x16 At(const GateRow& row, int64_t i) { return GeluTanh(Load(row.gate + i)) * Load(row.up + i); }
};
struct GateAlone {
  static F32x16 At(const GateRow& row, int64_t i) { return Load(row.gate + i); }
};

template <typename Value, typename Out>
void StoreGateAs(const GateRow& row) {
  const Out y(row.y, row.n);
  for (int64_t i = 0; i < row.n; i += kStoreStep) y.Set(i, Value::At(row, i), Value::At(row, i + 16));
}

template <typename Value>
void StoreGate(const GateRow& row) {
  if (row.out == DType::kQ8Group) return StoreGateAs<Value, Q8GroupRow>(row);
  if (row.out == DType::kBF16) return StoreGateAs<Value, Bf16Row>(row);
  StoreGateAs<Value, F32Row>(row);
}

// y0 = fma(-x1, sine, x0 * cosine), y1 = fma(x0, sine, x1 * cosine), in place.
void Rotate(const HeadRow& row, float* head) {
  const int64_t half = row.rotary_dim / 2;
  for (int64_t i = 0; i < half; i += 16) {
    const int count = static_cast<int>(std::min<int64_t>(16, half - i));
    const F32x16 cosine = Load(row.angles + i, count);
    const F32x16 sine = Load(row.angles + half + i, count);
    const F32x16 x0 = Load(head + i, count);
    const F32x16 x1 = Load(head + half + i, count);
    Store(head + i, Fma(x1 * F32x16(-1.0f), sine, x0 * cosine), count);
    Store(head + half + i, Fma(x0, sine, x1 * cosine), count);
  }
}

void Head(const HeadRow& row) {
  float head[kMaxHeadDim];
  if (row.weight != nullptr) {
    const F32x16 inverse = InverseNorm(row.x, row.head_dim, row.epsilon);
    for (int64_t i = 0; i < row.head_dim; i += 16) Store(head + i, Normalised(row.x + i, inverse, row.weight + i));
  } else {
    std::copy_n(row.x, row.head_dim, head);
  }
  if (row.angles != nullptr) Rotate(row, head);
  for (int64_t i = 0; i < row.head_dim; i += 16) {
    if (row.out == DType::kBF16) {
      StoreBf16(reinterpret_cast<uint16_t*>(row.y) + i, Load(head + i));
    } else {
      Store(reinterpret_cast<float*>(row.y) + i, Load(head + i));
    }
  }
}

}  // namespace

const RowCode kRows = {.norm = Norm,
                       .silu = StoreGate<SiluTimesUp>,
                       .gelu_tanh = StoreGate<GeluTanhTimesUp>,
                       .store = StoreGate<GateAlone>,
                       .head = Head};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
