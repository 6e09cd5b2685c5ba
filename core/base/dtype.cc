#include "core/base/dtype.h"

#include <array>

#include "core/base/check.h"

namespace engine {
namespace {

// In the order of the enum.
constexpr std::array<DTypeInfo, 24> kTypes = {{
    {"f32", 1, 4},
    {"f16", 1, 2},
    {"bf16", 1, 2},
    {"i32", 1, 4},
    {"i8", 1, 1},
    {"u8", 1, 1},
    {"w8", 32, 32},
    {"q4_0", 32, 18},
    {"q4_1", 32, 20},
    {"q5_0", 32, 22},
    {"q5_1", 32, 24},
    {"q8_0", 32, 34},
    {"q4_k", 256, 144},
    {"q5_k", 256, 176},
    {"q6_k", 256, 210},
    {"iq4_nl", 32, 18},
    {"iq4_xs", 256, 136},
    {"w4_g32", 32, 19},
    {"w4_g64", 64, 35},
    {"w4_g128", 128, 67},
    {"w4_g32_bf16", 32, 19},
    {"w4_g64_bf16", 64, 35},
    {"w4_g128_bf16", 128, 67},
    {"q8_group", 32, 0},
}};

}  // namespace

const DTypeInfo& Info(DType dtype) {
  const auto index = static_cast<size_t>(dtype);
  ENGINE_CHECK(index < kTypes.size());
  return kTypes[index];
}

bool IsBlockQuantised(DType dtype) { return dtype >= DType::kW8 && dtype <= DType::kW4G128Bf16; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

}  // namespace engine
