// What we rely on in oneDNN, on the machine that runs this.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "backends/cpu/onednn_library.h"
#include "backends/cpu/onednn_probe.h"
#include "backends/cpu/onednn_product.h"

namespace engine::cpu {
namespace {

WideTileCode CodeOf(Isa isa, DType dtype) {
  return isa >= Isa::kAvx512 ? avx512::WideTileCodeOf(dtype) : avx2::WideTileCodeOf(dtype);
}

absl::StatusOr<std::unique_ptr<OneDnnProduct>> Product(DType dtype, int64_t k, int workers) {
  const absl::StatusOr<Isa> isa = DetectIsa();
  if (!isa.ok()) return isa.status();
  if (*isa == Isa::kPortable) return Unimplemented("no oneDNN code is used on a portable device");
  return OneDnnProduct::Create({.weight = dtype, .k = k, .workers = workers, .isa = std::min(*isa, Isa::kAvx512)});
}

int64_t ThreadsOfThisProcess() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

struct alignas(64) Line {
  std::byte bytes[64];
};

// Runs the product's largest primitive once as `worker`.
void RunOnce(const OneDnnProduct& product, DType dtype, int64_t k, int worker) {
  std::vector<Line> rows(OneDnnProduct::kMaxRows * RowBytes(dtype, k) / 64 + 1), panel(WidePanelBytes(dtype, k) / 64);
  std::vector<Line> scratch(product.scratch_bytes() / 64 + 1);
  std::vector<float> out(OneDnnProduct::kMaxRows * kWidePanelRows);
  product.Run({worker, 0, rows[0].bytes, panel[0].bytes, out.data(), scratch[0].bytes});
}

bool IsInMemory() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("libdnnl") != std::string::npos) return true;
  }
  return false;
}

// The first test of this process.
TEST(OneDnnLibrary, IsNotInMemoryBeforeAProductNeedsIt) {
  EXPECT_FALSE(IsInMemory());
  ASSERT_TRUE(OneDnnLibrary::Open().ok());
  EXPECT_TRUE(IsInMemory());
}

class OneDnn : public testing::TestWithParam<DType> {};

// OMP_NUM_THREADS is 4 in this test's environment.
TEST_P(OneDnn, StartsNoThreadsAndRunsOnItsCallers) {
  const int64_t before = ThreadsOfThisProcess();
  const auto product = Product(GetParam(), 2048, 2);
  if (!product.ok()) GTEST_SKIP() << Message(product.status());
  EXPECT_EQ(ThreadsOfThisProcess(), before);
  RunOnce(**product, GetParam(), 2048, 0);
  EXPECT_EQ(ThreadsOfThisProcess(), before);
  int64_t beside = 0;
  std::thread([&] {
    RunOnce(**product, GetParam(), 2048, 1);
    beside = ThreadsOfThisProcess();
  }).join();
  EXPECT_EQ(beside, before + 1);
}

TEST_P(OneDnn, LeavesItsCallersNumberOfThreadsAlone) {
  const auto library = OneDnnLibrary::Open();
  ASSERT_TRUE(library.ok()) << library.status();
  if (library->omp_get_max_threads == nullptr) GTEST_SKIP() << "oneDNN does not run on OpenMP here";
  const int before = library->omp_get_max_threads();
  const auto product = Product(GetParam(), 256, 1);
  if (!product.ok()) GTEST_SKIP() << Message(product.status());
  RunOnce(**product, GetParam(), 256, 0);
  EXPECT_EQ(library->omp_get_max_threads(), before);
}

// k below, at and above the library's chunks, ragged, and beyond one product of the probe (16 x 256).
TEST_P(OneDnn, AddsInChunksThatTheProbeFinds) {
  for (const int64_t k : {16, 33, 576, 2048, 2080, 3001, 16448}) {
    const auto product = Product(GetParam(), k, 1);
    if (!product.ok()) GTEST_SKIP() << Message(product.status());
    const auto order = ProbeOrder(**product, CodeOf(*DetectIsa(), GetParam()), GetParam(), k);
    if (!order.ok()) {
      std::cout << "k " << k << " declined: " << Message(order.status()) << "\n";
      continue;
    }
    const int64_t units = GetParam() == DType::kBF16 ? (k + 1) / 2 : k;
    EXPECT_EQ(order->chunk_ends.back(), units);
    EXPECT_TRUE(std::ranges::is_sorted(order->chunk_ends));
    EXPECT_EQ(OneDnnProduct::kBlockRows[order->blocks.back()], OneDnnProduct::kMinRows);
    std::cout << "k " << k << ": " << order->chunk_ends.size() << " chunks, the first of " << order->chunk_ends[0]
              << " steps; " << order->blocks.size() << " numbers of rows\n";
  }
}

// The probe says no instead of trusting: tiles that read another weight than the library must not pass.
TEST_P(OneDnn, IsNotBelievedWhenTheBitsDiffer) {
  const auto product = Product(GetParam(), 576, 1);
  if (!product.ok()) GTEST_SKIP() << Message(product.status());
  WideTileCode wrong = CodeOf(*DetectIsa(), GetParam());
  wrong.run[kNumTileSizes - 1] = [](const WideTile& tile) {
    std::fill_n(tile.out, kMaxTileTokens * kWidePanelRows, 1.0f);
  };
  const auto order = ProbeOrder(**product, wrong, GetParam(), 576);
  ASSERT_FALSE(order.ok());
  EXPECT_NE(Message(order.status()).find("row 0 of 16, column 0"), std::string_view::npos) << order.status();
}

INSTANTIATE_TEST_SUITE_P(Formats, OneDnn, testing::Values(DType::kBF16, DType::kF32),
                         [](const auto& info) { return std::string(Name(info.param)); });

}  // namespace
}  // namespace engine::cpu
