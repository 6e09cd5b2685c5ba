// The SIMT driver keeps a GPU's promises and no others: what host code forgets shows, for some order of queues at least.
#include "backends/simt/simt_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "backends/gpu/add.h"

namespace engine::gpu {
namespace {

using testing::HasSubstr;

constexpr int kCount = 64;
constexpr int64_t kBytes = kCount * int64_t{sizeof(float)};
constexpr int kSeeds = 50;

// Two queues, one to copy and one to compute, and out = a + a on the way from pinned memory and back.
class Scene {
 public:
  explicit Scene(uint64_t seed) : driver_(*OpenSimtDriver({.seed = seed})) {
    copies = *driver_->CreateQueue();
    computes = *driver_->CreateQueue();
    event = *driver_->CreateEvent();
    in = *driver_->Allocate(kBytes, MemoryKind::kHost);
    out = *driver_->Allocate(kBytes, MemoryKind::kHost);
    a = *driver_->Allocate(kBytes, MemoryKind::kDevice);
    sum = *driver_->Allocate(kBytes, MemoryKind::kDevice);
    add_ = *driver_->FindFunction(kAdd);
    SetInput(1.0f);
  }
  ~Scene() {
    driver_->Destroy(copies);
    driver_->Destroy(computes);
    driver_->Destroy(event);
  }

  GpuDriver& driver() { return *driver_; }
  void SetInput(float value) { std::fill_n(reinterpret_cast<float*>(in), kCount, value); }
  absl::Status Add(GpuQueue queue) {
    const auto* x = reinterpret_cast<const float*>(a);
    const AddArgs args{.a = x, .b = x, .out = reinterpret_cast<float*>(sum), .count = kCount};
    return driver_->Launch(queue, {.kernel = kAdd, .function = add_, .grid = {}, .args = &args});
  }
  // Whether the host sees `value` in all of the output.
  bool HasOutput(float value) const {
    const std::span numbers(reinterpret_cast<const float*>(out), kCount);
    return std::ranges::count(numbers, value) == kCount;
  }

  GpuQueue copies, computes;
  GpuEvent event;
  std::byte *in, *out, *a, *sum;

 private:
  std::unique_ptr<GpuDriver> driver_;
  GpuFunction add_;
};

// Seeds for which `run` gives the right output.
template <typename Run>
int RightOutputs(Run run) {
  int right = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Scene scene(seed);
    run(scene);
    right += scene.HasOutput(2.0f) ? 1 : 0;
  }
  return right;
}

TEST(SimtDriver, RunsAQueueInOrder) {
  EXPECT_EQ(RightOutputs([](Scene& s) {
              ASSERT_TRUE(s.driver().Copy(s.computes, s.a, s.in, kBytes).ok());
              ASSERT_TRUE(s.Add(s.computes).ok());
              ASSERT_TRUE(s.driver().Copy(s.computes, s.out, s.sum, kBytes).ok());
              ASSERT_TRUE(s.driver().Synchronize(s.computes).ok());
            }),
            kSeeds);
}

TEST(SimtDriver, RunsQueuesInTheOrderOfEvents) {
  EXPECT_EQ(RightOutputs([](Scene& s) {
              ASSERT_TRUE(s.driver().Copy(s.copies, s.a, s.in, kBytes).ok());
              ASSERT_TRUE(s.driver().Record(s.copies, s.event).ok());
              ASSERT_TRUE(s.driver().Await(s.computes, s.event).ok());
              ASSERT_TRUE(s.Add(s.computes).ok());
              ASSERT_TRUE(s.driver().Copy(s.computes, s.out, s.sum, kBytes).ok());
              ASSERT_TRUE(s.driver().Record(s.computes, s.event).ok());
              ASSERT_TRUE(s.driver().Synchronize(s.event).ok());
            }),
            kSeeds);
}

TEST(SimtDriver, AMissingEventGivesWrongOutput) {
  EXPECT_LT(RightOutputs([](Scene& s) {
              ASSERT_TRUE(s.driver().Copy(s.copies, s.a, s.in, kBytes).ok());
              ASSERT_TRUE(s.Add(s.computes).ok());
              ASSERT_TRUE(s.driver().Copy(s.computes, s.out, s.sum, kBytes).ok());
              ASSERT_TRUE(s.driver().Synchronize(s.computes).ok());
            }),
            kSeeds);
}

TEST(SimtDriver, PinnedMemoryThatIsReusedTooEarlyGivesWrongOutput) {
  EXPECT_LT(RightOutputs([](Scene& s) {
              ASSERT_TRUE(s.driver().Copy(s.computes, s.a, s.in, kBytes).ok());
              s.SetInput(7.0f);
              ASSERT_TRUE(s.Add(s.computes).ok());
              ASSERT_TRUE(s.driver().Copy(s.computes, s.out, s.sum, kBytes).ok());
              ASSERT_TRUE(s.driver().Synchronize(s.computes).ok());
            }),
            kSeeds);
}

TEST(SimtDriver, AHostThatDoesNotWaitReadsOldBytes) {
  EXPECT_LT(RightOutputs([](Scene& s) {
              ASSERT_TRUE(s.driver().Copy(s.computes, s.a, s.in, kBytes).ok());
              ASSERT_TRUE(s.Add(s.computes).ok());
              ASSERT_TRUE(s.driver().Copy(s.computes, s.out, s.sum, kBytes).ok());
            }),
            kSeeds);
}

TEST(SimtDriver, MemoryFreedTooEarlyIsNamedWithTheKernelThatUsesIt) {
  Scene scene(0);
  ASSERT_TRUE(scene.Add(scene.computes).ok());
  scene.driver().Free(scene.sum, MemoryKind::kDevice);
  const absl::Status status = scene.driver().Synchronize(scene.computes);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("kernel add is given a pointer to an allocation of 256 bytes that"));
  EXPECT_FALSE(scene.driver().Copy(scene.copies, scene.a, scene.in, kBytes).ok()) << "an error is kept";
}

TEST(SimtDriver, CopiesBeyondAnAllocationAreRefused) {
  Scene scene(0);
  ASSERT_TRUE(scene.driver().Copy(scene.copies, scene.a + 8, scene.in, kBytes).ok());
  const absl::Status status = scene.driver().Synchronize(scene.copies);
  EXPECT_THAT(std::string(status.message()), HasSubstr("a copy to bytes 8 to 264 of an allocation of 256 bytes"));
}

TEST(SimtDriver, PinnedMemoryFreedTooEarlyIsNamed) {
  Scene scene(0);
  ASSERT_TRUE(scene.driver().Copy(scene.copies, scene.a, scene.in, kBytes).ok());
  scene.driver().Free(scene.in, MemoryKind::kHost);
  const absl::Status status = scene.driver().Synchronize(scene.copies);
  EXPECT_THAT(std::string(status.message()), HasSubstr("a copy from an allocation of 256 bytes that has been freed"));
}

TEST(SimtDriverDeathTest, TheHostCannotTouchDeviceMemory) {
  Scene scene(0);
  EXPECT_DEATH(std::memset(scene.a, 1, 1), "");
}

TEST(SimtDriver, AGraphRunsWhatWasCapturedAsOftenAsAsked) {
  EXPECT_EQ(RightOutputs([](Scene& s) {
              ASSERT_TRUE(s.driver().BeginCapture(s.computes).ok());
              ASSERT_TRUE(s.Add(s.computes).ok());
              const auto graph = s.driver().EndCapture(s.computes);
              ASSERT_TRUE(graph.ok());
              for (const float value : {5.0f, 1.0f}) {
                s.SetInput(value);
                ASSERT_TRUE(s.driver().Copy(s.computes, s.a, s.in, kBytes).ok());
                ASSERT_TRUE(s.driver().Launch(s.computes, *graph).ok());
                ASSERT_TRUE(s.driver().Copy(s.computes, s.out, s.sum, kBytes).ok());
                ASSERT_TRUE(s.driver().Synchronize(s.computes).ok());
                ASSERT_TRUE(s.HasOutput(2 * value));
              }
              s.driver().Destroy(*graph);
            }),
            kSeeds);
}

TEST(SimtDriver, NamesTheModuleThatLacksAKernel) {
  Scene scene(0);
  const KernelInstance missing{"no_such_kernel", "add", 8, 64};
  const auto found = scene.driver().FindFunction(missing);
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("libengine_simt32.so has no kernel no_such_kernel"));
}

TEST(SimtDriver, ItsNamesAreWarpsOf32And64AndTheirChecks) {
  EXPECT_EQ(ParseSimtOptions("")->warp, 32);
  EXPECT_EQ(ParseSimtOptions(":64")->warp, 64);
  EXPECT_TRUE(ParseSimtOptions(":check32")->checks);
  for (const char* wrong : {":", ":16", ":check", "64", ":check16"}) {
    EXPECT_THAT(std::string(ParseSimtOptions(wrong).status().message()), HasSubstr("simt:check64")) << wrong;
  }
}

}  // namespace
}  // namespace engine::gpu
