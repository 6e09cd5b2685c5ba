// The SIMT libraries run kernels as a GPU would: every thread of every block, in any order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "backends/gpu/add.h"
#include "tests/unit/gpu/simt_library.h"

namespace engine {
namespace {

class Simt : public testing::TestWithParam<const char*> {
 protected:
  SimtLibrary library_{ENGINE_GPU_LIBRARY_DIR "/libengine_" + std::string(GetParam()) + ".so"};
};
INSTANTIATE_TEST_SUITE_P(Warps, Simt, testing::Values("simt32", "simt64"), [](const auto& info) { return info.param; });

TEST_P(Simt, AddsEveryElementUnderEverySchedule) {
  std::vector<float> a(1000);
  std::iota(a.begin(), a.end(), 1.0f);
  const std::vector<float> b(a.size(), 0.5f);
  for (const uint64_t seed : {0, 1, 2}) {
    std::vector<float> out(a.size());
    const gpu::AddArgs args = {a.data(), b.data(), out.data(), static_cast<int64_t>(a.size())};
    ASSERT_EQ(library_.Launch("add", 3, 256, args, seed), "");
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(out[i], a[i] + b[i]) << i;
  }
}

TEST_P(Simt, RefusesBlocksThatAreNotWholeWarps) {
  EXPECT_THAT(library_.Launch("add", 1, 100, gpu::AddArgs{}),
              testing::HasSubstr("add: a block of 100 x 1 x 1 threads"));
}

}  // namespace
}  // namespace engine
