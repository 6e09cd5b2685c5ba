// What cases of rope and qk_norm_rope share.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "conformance/test_data.h"

namespace engine {

inline constexpr int kRopeTokens = 33;
inline constexpr int kRopePositions = 100;

inline std::string RopeCaseName(int heads, int head_dim, int rotary_dim, DType out) {
  return std::string(Name(out)) + "_" + std::to_string(heads) + "x" + std::to_string(head_dim) + "_rotary" +
         std::to_string(rotary_dim);
}

// x, positions (not ascending: steps mix sequences) and a table of true cosines and sines.
inline std::vector<CaseInput> RopeInputs(TestData& data, int heads, int head_dim, int rotary_dim) {
  std::vector<float> table(kRopePositions * rotary_dim);
  for (int p = 0; p < kRopePositions; ++p) {
    for (int i = 0; i < rotary_dim / 2; ++i) {
      const double angle = p * std::pow(10000.0, -2.0 * i / rotary_dim);
      table[p * rotary_dim + i] = static_cast<float>(std::cos(angle));
      table[p * rotary_dim + rotary_dim / 2 + i] = static_cast<float>(std::sin(angle));
    }
  }
  return {data.Rows(DType::kF32, kTokens, kRopeTokens, int64_t{heads} * head_dim, Values::kOutliers),
          IntegerInput(kTokens, data.Integers(kRopeTokens, 0, kRopePositions - 1)),
          {.spec = {DType::kF32, {kRopePositions, rotary_dim}}, .data = BytesOf(table)}};
}

}  // namespace engine
