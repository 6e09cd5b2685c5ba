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

struct NormedRow {
  const float* x;
  const float* weight;
  F32x16 inverse;

  template <typename LoadAt>
  F32x16 At(const LoadAt& load, int64_t i) const {
    return (load(x, i) * inverse) * load(weight, i);
  }
};

void AddDelta(const NormRow& row) {
  int64_t i = 0;
  for (; i + 16 <= row.d; i += 16) Store(row.sum + i, Load(row.x + i) + Load(row.delta + i));
  const int left = static_cast<int>(row.d - i);
  if (left > 0) Store(row.sum + i, Load(row.x + i, left) + Load(row.delta + i, left), left);
}

void Norm(const NormRow& row) {
  const float* x = row.x;
  if (row.delta != nullptr) {
    AddDelta(row);
    x = row.sum;
  }
  StoreRowAs(row.out, NormedRow{x, row.weight, InverseNorm(x, row.d, row.epsilon)}, row.y, row.d);
}

struct SiluTimesUp {
  const GateRow& row;
  template <typename LoadAt>
  F32x16 At(const LoadAt& load, int64_t i) const {
    return Silu(load(row.gate, i)) * load(row.up, i);
  }
};
struct GeluTanhTimesUp {
  const GateRow& row;
  template <typename LoadAt>
  F32x16 At(const LoadAt& load, int64_t i) const {
    return GeluTanh(load(row.gate, i)) * load(row.up, i);
  }
};
struct GateAlone {
  const GateRow& row;
  template <typename LoadAt>
  F32x16 At(const LoadAt& load, int64_t i) const {
    return load(row.gate, i);
  }
};

template <typename Value>
void StoreGate(const GateRow& row) {
  StoreRowAs(row.out, Value{row}, row.y, row.n);
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

struct FinishedHead {
  const float* head;
  template <typename LoadAt>
  F32x16 At(const LoadAt& load, int64_t i) const {
    return load(head, i);
  }
};

void Head(const HeadRow& row) {
  float head[kMaxHeadDim];
  if (row.weight != nullptr) {
    const NormedRow normed{row.x, row.weight, InverseNorm(row.x, row.head_dim, row.epsilon)};
    StoreRowAs(DType::kF32, normed, reinterpret_cast<std::byte*>(head), row.head_dim);
  } else {
    std::copy_n(row.x, row.head_dim, head);
  }
  if (row.angles != nullptr) Rotate(row, head);
  StoreRowAs(row.out, FinishedHead{head}, row.y, row.head_dim);
}

Int8Head QuantiseHead(const float* x, int64_t size, int8_t* q) {
  const auto values = [&](int64_t i) { return Load(x + i, static_cast<int>(std::min<int64_t>(16, size - i))); };
  I32x16 magnitudes(0);
  for (int64_t i = 0; i < size; i += 16) magnitudes = Max(magnitudes, BitsOf(Abs(values(i))));
  const float scale = Int8Scale(ReduceMax(magnitudes));
  I32x16 sum(0);
  for (int64_t i = 0; i < size; i += 16) {
    const I32x16 integers = ToInt8(values(i), scale);
    StoreNarrow(q + i, integers);
    sum = sum + integers;
  }
  return {scale, ReduceAdd(sum)};
}

float ShareScale(const SharedRun& run) {
  float largest = 0;
  for (int g = 0; g < run.groups; ++g) {
    if (run.scales[g] > largest || std::isnan(run.scales[g])) largest = run.scales[g];  // nothing is above a NaN
  }
  for (int g = 0; g < run.groups; ++g) {
    const F32x16 ratio(largest > 0 ? run.scales[g] / largest : 0.0f);
    for (int half = 2 * g; half < 2 * g + 2; ++half) {
      const I32x16 shared = ToI32(ToF32(LoadWide(run.values + 16 * half)) * ratio);
      StoreNarrow(run.out + 16 * half, shared);
      run.out_sums[half] = static_cast<int16_t>(ReduceAdd(shared));
    }
  }
  return largest;
}

}  // namespace

const RowCode kRows = {.norm = Norm,
                       .silu = StoreGate<SiluTimesUp>,
                       .gelu_tanh = StoreGate<GeluTanhTimesUp>,
                       .store = StoreGate<GateAlone>,
                       .head = Head,
                       .int8_head = QuantiseHead,
                       .share_scale = ShareScale};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_
