// The SIMT driver keeps a GPU's promises and no others: what host code forgets shows, for some order of queues at least.
#include "backends/simt/simt_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

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

constexpr int64_t kStep = 65536;

// What a synchronisation says after `act` was given a reservation of three steps, of which the first is mapped.
template <typename Act>
std::string WithReservation(const SimtOptions& options, Act act) {
  const auto driver = *OpenSimtDriver(options);
  const GpuQueue queue = *driver->CreateQueue();
  std::byte* const memory = *driver->Reserve(3 * kStep);
  EXPECT_TRUE(driver->Map(memory, kStep).ok());
  act(*driver, queue, memory);
  std::string message(driver->Synchronize(queue).message());
  driver->Destroy(queue);
  return message;
}

void AddAt(GpuDriver& driver, GpuQueue queue, std::byte* memory) {
  auto* x = reinterpret_cast<float*>(memory);
  const AddArgs args{.a = x, .b = x, .out = x, .count = kCount};
  const GpuFunction function = *driver.FindFunction(kAdd);
  EXPECT_TRUE(driver.Launch(queue, {.kernel = kAdd, .function = function, .grid = {}, .args = &args}).ok());
}

TEST(SimtDriver, NamesWhatACopyTouchesBeyondTheMappedPart) {
  std::vector<std::byte> bytes(kStep);
  EXPECT_THAT(WithReservation({},
                              [&](GpuDriver& driver, GpuQueue queue, std::byte* memory) {
                                EXPECT_TRUE(driver.Copy(queue, memory + 8, bytes.data(), kStep).ok());
                              }),
              HasSubstr("a copy to bytes 8 to 65544 of a reservation of 196608 bytes, of which the first 65536 are"));
}

TEST(SimtDriver, NamesWhatAKernelTouchesBeyondTheMappedPart) {
  if (!OpenSimtDriver({.checks = true}).ok()) GTEST_SKIP() << "sanitized builds have no checking kernels";
  const auto end_of_step = [](GpuDriver& driver, GpuQueue queue, std::byte* memory) {
    const std::vector<std::byte> zeros(kStep);
    EXPECT_TRUE(driver.Copy(queue, memory, zeros.data(), kStep).ok());
    EXPECT_TRUE(driver.Synchronize(queue).ok());
    AddAt(driver, queue, memory + kStep - 8);
  };
  EXPECT_THAT(WithReservation({.checks = true}, end_of_step),
              HasSubstr("starts at byte 65536 of a reservation of 196608, of which the first 65536 are mapped"));
}

TEST(SimtDriver, KernelsUseWhatIsMapped) {
  EXPECT_EQ(WithReservation({.seed = 1},
                            [](GpuDriver& driver, GpuQueue queue, std::byte* memory) {
                              AddAt(driver, queue, memory);
                              EXPECT_TRUE(driver.Map(memory + kStep, 2 * kStep).ok());
                              AddAt(driver, queue, memory + 2 * kStep);
                            }),
            "");
}

TEST(SimtDriver, AReservationReleasedTooEarlyIsNamedWithTheKernelThatUsesIt) {
  EXPECT_THAT(WithReservation({},
                              [](GpuDriver& driver, GpuQueue queue, std::byte* memory) {
                                AddAt(driver, queue, memory);
                                driver.Release(memory);
                              }),
              HasSubstr("kernel add is given a pointer to a reservation of 196608 bytes that has been released"));
}

TEST(SimtDriver, MapsWhatFollowsTheMappedPartInWholeSteps) {
  WithReservation({}, [](GpuDriver& driver, GpuQueue, std::byte* memory) {
    EXPECT_THAT(Message(driver.Map(memory, kStep)), HasSubstr("bytes 0 to 65536 of a reservation of 196608 bytes"));
    EXPECT_THAT(Message(driver.Map(memory + 2 * kStep, kStep)), HasSubstr("of which 65536 are mapped"));
    EXPECT_FALSE(driver.Map(memory + kStep, 100).ok());
    EXPECT_FALSE(driver.Map(memory + kStep, 3 * kStep).ok());
  });
}

TEST(SimtDriver, HasNoMoreMemoryThanItSays) {
  const auto driver = *OpenSimtDriver({.memory_bytes = 3 * kStep});
  EXPECT_EQ(driver->info().memory_bytes, 3 * kStep);
  std::byte* const reserved = *driver->Reserve(4 * kStep);
  std::byte* const allocated = *driver->Allocate(kStep, MemoryKind::kDevice);
  EXPECT_TRUE(driver->Map(reserved, 2 * kStep).ok());
  EXPECT_THAT(Message(driver->Map(reserved + 2 * kStep, kStep)),
              HasSubstr("cannot allocate 65536 bytes of SIMT device memory: of 196608 bytes 196608 are taken"));
  driver->Free(allocated, MemoryKind::kDevice);
  EXPECT_TRUE(driver->Map(reserved + 2 * kStep, kStep).ok());
  driver->Release(reserved);
  EXPECT_TRUE(driver->Allocate(3 * kStep, MemoryKind::kDevice).ok());
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
