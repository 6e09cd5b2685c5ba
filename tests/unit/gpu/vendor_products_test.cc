// Matrix products by cuBLASLt and hipBLASLt, over a library that acts like them (fake_products.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <vector>

#include "backends/cuda/cuda_driver.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/instances.h"
#include "backends/hip/hip_driver.h"
#include "core/base/bf16.h"
#include "tests/support/temp_dir.h"

namespace engine::gpu {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int64_t kRows = 3, kN = 4, kK = 8;

enum class Vendor { kCuda, kHip };

class VendorProducts : public testing::TestWithParam<Vendor> {
 protected:
  std::unique_ptr<GpuDriver> Open(const std::string& library) const {
    std::filesystem::create_directories(folder_.path() + "/gfx942");
    return GetParam() == Vendor::kCuda
               ? *OpenCudaDriver(0, {.library = FAKE_GPU, .modules = folder_.path(), .products = {library}})
               : *OpenHipDriver(0, {.libraries = {FAKE_GPU}, .modules = folder_.path(), .products = {library}});
  }

  TempDir folder_;
};

// x[r, i] = r + i and w[c, i] = c - i, in memory of a device, with everything that multiplies them.
class Matrices {
 public:
  explicit Matrices(GpuDriver& driver) : driver_(driver), queue_(*driver.CreateQueue()) {
    x_ = Bring(kRows, 1);
    w_ = Bring(kN, -1);
    y_ = *driver.Allocate(kRows * kN * 4, MemoryKind::kDevice);
    workspace_ = *driver.Allocate(kProductWorkspaceBytes, MemoryKind::kDevice);
    result_ = *driver.Allocate(kRows * kN * 4, MemoryKind::kHost);
  }

  GpuQueue queue() const { return queue_; }
  absl::StatusOr<bool> Multiply() {
    return driver_.Multiply(queue_, {.x = x_,
                                     .w = w_,
                                     .y = reinterpret_cast<float*>(y_),
                                     .rows = kRows,
                                     .n = kN,
                                     .k = kK,
                                     .workspace = workspace_});
  }
  void ExpectProduct() {
    ASSERT_TRUE(driver_.Copy(queue_, result_, y_, kRows * kN * 4).ok());
    const absl::Status done = driver_.Synchronize(queue_);
    ASSERT_TRUE(done.ok()) << done;
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t c = 0; c < kN; ++c) {
        float sum = 0;
        for (int64_t i = 0; i < kK; ++i) sum += static_cast<float>((r + i) * (c - i));
        EXPECT_EQ(reinterpret_cast<const float*>(result_)[r * kN + c], sum) << r << ", " << c;
      }
    }
  }

 private:
  std::byte* Bring(int64_t rows, int sign) {
    const int64_t bytes = rows * kK * 2;
    std::byte* const host = *driver_.Allocate(bytes, MemoryKind::kHost);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < kK; ++i) {
        reinterpret_cast<uint16_t*>(host)[r * kK + i] = F32ToBf16(static_cast<float>(r + sign * i));
      }
    }
    std::byte* const memory = *driver_.Allocate(bytes, MemoryKind::kDevice);
    EXPECT_TRUE(driver_.Copy(queue_, memory, host, bytes).ok());
    return memory;
  }

  GpuDriver& driver_;
  GpuQueue queue_;
  std::byte *x_, *w_, *y_, *workspace_, *result_;
};

TEST_P(VendorProducts, AreThoseOfTheLibraryInTheOrderOfTheStream) {
  const auto driver = Open(FAKE_GPU);
  ASSERT_TRUE(driver->HasMatrixLibrary().ok()) << driver->HasMatrixLibrary();
  Matrices matrices(*driver);
  const auto multiplied = matrices.Multiply();
  ASSERT_TRUE(multiplied.ok() && *multiplied) << multiplied.status();
  matrices.ExpectProduct();
}

TEST_P(VendorProducts, ArePartsOfGraphs) {
  const auto driver = Open(FAKE_GPU);
  Matrices matrices(*driver);
  ASSERT_TRUE(driver->BeginCapture(matrices.queue()).ok());
  ASSERT_TRUE(matrices.Multiply().ok());
  const auto graph = driver->EndCapture(matrices.queue());
  ASSERT_TRUE(graph.ok()) << graph.status();
  ASSERT_TRUE(driver->Launch(matrices.queue(), *graph).ok());
  matrices.ExpectProduct();
  driver->Destroy(*graph);
}

TEST_P(VendorProducts, SayWhatIsNotInstalled) {
  const auto driver = Open("libno_such_products.so.1");
  EXPECT_THAT(Message(driver->HasMatrixLibrary()),
              AllOf(HasSubstr(GetParam() == Vendor::kCuda ? "cuBLASLt is not installed" : "hipBLASLt is not installed"),
                    HasSubstr("libno_such_products.so.1")));
  Matrices matrices(*driver);
  EXPECT_FALSE(matrices.Multiply().ok());
}

TEST_P(VendorProducts, NameTheFunctionThatAnOldLibraryLacks) {
  EXPECT_THAT(Message(Open("libm.so.6")->HasMatrixLibrary()), HasSubstr("has no function"));
}

TEST_P(VendorProducts, AreLeftToOthersWhereTheLibraryHasNoAlgorithmForTheSizes) {
  ::setenv("FAKE_GPU_NO_ALGORITHM", "3", 1);
  const auto driver = Open(FAKE_GPU);
  EXPECT_TRUE(driver->HasMatrixLibrary().ok()) << driver->HasMatrixLibrary();
  Matrices matrices(*driver);
  EXPECT_FALSE(matrices.Multiply().value_or(true));
  ::unsetenv("FAKE_GPU_NO_ALGORITHM");
  EXPECT_FALSE(matrices.Multiply().value_or(true)) << "sizes are asked for once: the same step does the same again";
}

TEST_P(VendorProducts, NeedADeviceForWhichTheLibraryHasAlgorithms) {
  ::setenv("FAKE_GPU_NO_ALGORITHM", "any", 1);
  EXPECT_THAT(Message(Open(FAKE_GPU)->HasMatrixLibrary()), HasSubstr("does not multiply bf16 on this device"));
  ::unsetenv("FAKE_GPU_NO_ALGORITHM");
}

INSTANTIATE_TEST_SUITE_P(Vendors, VendorProducts, testing::Values(Vendor::kCuda, Vendor::kHip),
                         [](const auto& info) { return info.param == Vendor::kCuda ? "Cuda" : "Hip"; });

}  // namespace
}  // namespace engine::gpu
