// Numbers for conformance cases, from a seed that failures print.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "conformance/op_case.h"

namespace engine {

enum class Values {
  kNormal,     // about 1
  kOutliers,   // one in 50 a thousand times larger, as in real activations
  kZeros,      // +0 and -0
  kDenormals,  // denormal and smallest normal f32
  kTiny,       // about 2^-63: products around the smallest normal number
  kBorder,     // 2^-63, 2^-75 and 0, either sign: sums that are 2^-126 or just below
};

class TestData {
 public:
  explicit TestData(uint64_t seed) : random_(seed) {}

  float Number(Values kind);
  std::vector<float> Floats(int64_t count, Values kind);
  std::vector<int32_t> Integers(int64_t count, int32_t low, int32_t high);  // both ends included

  // f32, bf16 or q8_group rows.
  CaseInput Rows(DType dtype, int64_t leading, int64_t rows, int64_t columns, Values kind);
  CaseInput Vector(int64_t size, Values kind = Values::kNormal);
  // Weights in checkpoint order. Of block formats, every second row is random bits with scales below 2, so that every
  // code occurs; the others are quantised numbers.
  CaseInput Weight(DType dtype, int64_t n, int64_t k, Values kind = Values::kNormal);

 private:
  void RandomBlocks(DType dtype, std::byte* row, int64_t bytes);

  std::mt19937_64 random_;
};

CaseInput IntegerInput(int64_t leading, const std::vector<int32_t>& values);

template <typename T>
std::vector<std::byte> BytesOf(const std::vector<T>& values) {
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  return {data, data + values.size() * sizeof(T)};
}

}  // namespace engine
