// Devices of a group on the SIMT device, whose queues run late and in any order.
#include "backends/gpu/communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/gpu/add.h"
#include "backends/simt/simt_driver.h"
#include "tests/unit/gpu/gather_rounds.h"

namespace engine::gpu {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Devices {
 public:
  Devices(int count, uint64_t seed) : drivers_(*OpenSimtDrivers({.seed = seed}, count)) {
    for (const auto& driver : drivers_) pointers_.push_back(driver.get());
  }
  std::span<GpuDriver* const> all() const { return pointers_; }

 private:
  std::vector<std::unique_ptr<GpuDriver>> drivers_;
  std::vector<GpuDriver*> pointers_;
};

TEST(Communicator, GathersTheSlicesOfAllDevicesInAnyOrderOfWork) {
  for (int seed = 0; seed < 30; ++seed) {
    const Devices devices(2 + seed % 3, seed);
    for (const absl::Status& result : GatherRounds(devices.all())) ASSERT_TRUE(result.ok()) << seed << ": " << result;
  }
}

TEST(Communicator, OneDeviceThatFailsEndsTheWorkOfAll) {
  for (int seed = 0; seed < 10; ++seed) {
    const Devices devices(3, seed);
    const std::vector<absl::Status> results = GatherRounds(devices.all(), /*failing=*/1);
    for (const int other : {0, 2}) {
      EXPECT_THAT(std::string(Message(results[other])), AllOf(HasSubstr("device 2 of the 3"), HasSubstr("it gave up")));
    }
  }
}

TEST(SimtDevices, AKernelIsRefusedMemoryOfAnotherDevice) {
  const Devices devices(2, 0);
  GpuDriver& driver = *devices.all()[0];
  const GpuQueue queue = *driver.CreateQueue();
  std::byte* mine = *driver.Allocate(256, MemoryKind::kDevice);
  std::byte* other = *devices.all()[1]->Allocate(256, MemoryKind::kDevice);
  const AddArgs args{.a = reinterpret_cast<float*>(mine),
                     .b = reinterpret_cast<float*>(other),
                     .out = reinterpret_cast<float*>(mine),
                     .count = 1};
  absl::Status ran =
      driver.Launch(queue, {.kernel = kAdd, .function = *driver.FindFunction(kAdd), .grid = {}, .args = &args});
  if (ran.ok()) ran = driver.Synchronize(queue);
  EXPECT_THAT(std::string(Message(ran)), HasSubstr("of device 0 is given a pointer to memory of device 1"));
}

}  // namespace
}  // namespace engine::gpu
