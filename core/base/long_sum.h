// Long reductions, numerics rule 2: 256 interleaved partial sums from +0, element i in partial i mod 256, then a binary
// tree. 256 = sixteen registers of 16 lanes, thirty-two of 8, or one GPU block.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>

namespace engine {

inline constexpr int kLongSumPartials = 256;

class LongSum {
 public:
  // Elements come in ascending order of i.
  void Add(int64_t i, float x) { partials_[i % kLongSumPartials] += x; }
  void AddSquare(int64_t i, float x) {
    float& partial = partials_[i % kLongSumPartials];
    partial = std::fma(x, x, partial);
  }

  // p[i] += p[i + half] for half = 128, 64, ... 1.
  float Total() const {
    std::array<float, kLongSumPartials> p = partials_;
    for (int half = kLongSumPartials / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) p[i] += p[i + half];
    }
    return p[0];
  }

 private:
  std::array<float, kLongSumPartials> partials_{};
};

inline float SumOfSquares(std::span<const float> x) {
  LongSum sum;
  for (size_t i = 0; i < x.size(); ++i) sum.AddSquare(static_cast<int64_t>(i), x[i]);
  return sum.Total();
}

}  // namespace engine
