#include "benchmarks/roof.h"

#include "backends/backends.h"
#include "backends/cpu/cpu_device.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

TEST(Roof, WeightsAreHeldAgainstTheDotProductsThatMultiplyThem) {
  EXPECT_EQ(DotLimit(DType::kQ4_K), Limit::kInt8Dots);
  EXPECT_EQ(DotLimit(DType::kBF16), Limit::kBf16Dots);
  EXPECT_EQ(DotLimit(DType::kF16), Limit::kF32Fmas);
  EXPECT_EQ(DotLimit(DType::kF32), Limit::kF32Fmas);
}

TEST(Roof, CachesAreHeldAgainstTheDotProductsOfTheirAttention) {
  EXPECT_EQ(AttentionLimit(DType::kI8), Limit::kInt8Dots);
  EXPECT_EQ(AttentionLimit(DType::kBF16), Limit::kBf16Dots);
  EXPECT_EQ(AttentionLimit(DType::kF32), Limit::kF32Fmas);
}

TEST(Roof, MeasuresEveryLimit) {
  const auto device = CpuDevice::Create({.threads = 1}).value();
  const auto roof = Roof::Create(*device).value();
  for (const Limit limit : {Limit::kMemory, Limit::kInt8Dots, Limit::kBf16Dots, Limit::kF32Fmas}) {
    EXPECT_GT(roof->Measure(limit), 0);
    EXPECT_GT(roof->Measure(limit, Clock::kThreads), 0);
  }
}

TEST(Roof, MeasuresEveryLimitOfAGpu) {
  const auto device = OpenDevice("simt", {}).value();
  const auto roof = Roof::Create(*device).value();
  for (const Limit limit : {Limit::kMemory, Limit::kInt8Dots, Limit::kBf16Dots, Limit::kF32Fmas}) {
    EXPECT_GT(roof->Measure(limit), 0);
  }
}

}  // namespace
}  // namespace engine
