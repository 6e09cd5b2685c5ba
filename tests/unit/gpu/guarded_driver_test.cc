// Guard bands around allocations on the device: a kernel that writes past an end is found at its launch.
#include "backends/gpu/guarded_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "backends/gpu/add.h"
#include "backends/simt/simt_driver.h"

namespace engine::gpu {
namespace {

using testing::HasSubstr;

constexpr int kCount = 100;  // no multiple of what allocations are aligned to
constexpr int64_t kBytes = kCount * int64_t{sizeof(float)};

// Adds `count` floats and writes them from element `first` of an output of kCount on.
class Sum {
 public:
  Sum() : driver_(GuardedDriver(*OpenSimtDriver({}))) {
    queue_ = *driver_->CreateQueue();
    in_ = *driver_->Allocate(kBytes, MemoryKind::kDevice);
    out_ = *driver_->Allocate(kBytes, MemoryKind::kDevice);
  }
  ~Sum() {
    driver_->Free(in_, MemoryKind::kDevice);
    driver_->Free(out_, MemoryKind::kDevice);
    driver_->Destroy(queue_);
  }

  absl::Status Launch(int64_t first, int64_t count) {
    const auto* in = reinterpret_cast<const float*>(in_);
    const AddArgs args{.a = in, .b = in, .out = reinterpret_cast<float*>(out_) + first, .count = count};
    return driver_->Launch(queue_,
                           {.kernel = kAdd, .function = *driver_->FindFunction(kAdd), .grid = {}, .args = &args});
  }
  absl::Status Replay(int64_t first, int64_t count) {
    RETURN_IF_ERROR(driver_->BeginCapture(queue_));
    RETURN_IF_ERROR(Launch(first, count));
    ASSIGN_OR_RETURN(const GpuGraph graph, driver_->EndCapture(queue_));
    const absl::Status status = driver_->Launch(queue_, graph);
    driver_->Destroy(graph);
    return status;
  }
  absl::Status CopyIn(const std::vector<std::byte>& bytes) {
    return driver_->Copy(queue_, in_, bytes.data(), std::ssize(bytes));
  }

 private:
  std::unique_ptr<GpuDriver> driver_;
  GpuQueue queue_;
  std::byte* in_;
  std::byte* out_;
};

TEST(GuardedDriver, LetsCorrectKernelsBe) {
  Sum sum;
  EXPECT_TRUE(sum.Launch(0, kCount).ok());
  EXPECT_TRUE(sum.Replay(0, kCount).ok());
  EXPECT_TRUE(sum.CopyIn(std::vector<std::byte>(kBytes)).ok());
}

TEST(GuardedDriver, FindsAWriteBehindTheEnd) {
  EXPECT_THAT(Message(Sum().Launch(3, kCount)),
              HasSubstr("it wrote 12 bytes behind the end of an allocation of 400 bytes"));
}

TEST(GuardedDriver, FindsAWriteBeforeTheBegin) {
  EXPECT_THAT(Message(Sum().Launch(-2, kCount)),
              HasSubstr("it wrote 8 bytes before the begin of an allocation of 400 bytes"));
}

TEST(GuardedDriver, FindsWhatAReplayedGraphWrote) {
  EXPECT_THAT(Message(Sum().Replay(1, kCount)), HasSubstr("a replayed graph: it wrote 4 bytes behind the end"));
}

TEST(GuardedDriver, FindsACopyThatIsTooLong) {
  EXPECT_THAT(Message(Sum().CopyIn(std::vector<std::byte>(kBytes + 5))), HasSubstr("it wrote 5 bytes behind the end"));
}

}  // namespace
}  // namespace engine::gpu
