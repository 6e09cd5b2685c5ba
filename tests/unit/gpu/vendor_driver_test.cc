// The drivers of CUDA and HIP, over libraries that act like the vendors' (fake_gpu.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

#include "backends/cuda/cuda_driver.h"
#include "backends/gpu/add.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/instances.h"
#include "backends/gpu/vendor_memory.h"
#include "backends/hip/hip_driver.h"
#include "core/base/shared_library.h"
#include "tests/support/environment.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/gpu/gather_rounds.h"
#include "tests/unit/gpu/tripling.h"

namespace engine::gpu {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

// Files that the fake takes for kernels.
void WriteModules(const std::string& folder, const std::string& suffix) {
  std::filesystem::create_directories(folder);
  for (const KernelInstance* kernel : kInstances) {
    std::ofstream(folder + "/" + std::string(kernel->module) + suffix) << "kernels of " << kernel->module;
  }
}

enum class Vendor { kCuda, kHip };

class VendorDriver : public testing::TestWithParam<Vendor> {
 protected:
  VendorDriver() {
    WriteModules(folder_.path() + "/cuda", ".fatbin");
    WriteModules(folder_.path() + "/rocm/gfx942", ".hsaco");
  }
  CudaOptions Cuda() const { return {.library = FAKE_GPU, .modules = folder_.path() + "/cuda"}; }
  HipOptions Hip() const { return {.libraries = {FAKE_GPU}, .modules = folder_.path() + "/rocm"}; }
  absl::StatusOr<std::unique_ptr<GpuDriver>> Open(int ordinal) const {
    return GetParam() == Vendor::kCuda ? OpenCudaDriver(ordinal, Cuda()) : OpenHipDriver(ordinal, Hip());
  }

  TempDir folder_;
};

TEST_P(VendorDriver, NamesTheDeviceAndWhatItIs) {
  const auto driver = Open(0);
  ASSERT_TRUE(driver.ok()) << driver.status();
  const GpuDriverInfo& info = (*driver)->info();
  EXPECT_EQ(info.memory_bytes, int64_t{8} << 30);
  if (GetParam() == Vendor::kCuda) {
    EXPECT_EQ(info.name, "cuda:0");
    EXPECT_EQ(info.architecture, "sm_90");
    EXPECT_EQ(info.description, "Fake, CUDA 13.2");
  } else {
    EXPECT_EQ(info.name, "rocm:0");
    EXPECT_EQ(info.architecture, "gfx942");
  }
}

TEST_P(VendorDriver, GathersThroughDevicesMemoryOrWhereTheyReachNoneThroughTheHosts) {
  ::setenv("FAKE_GPU_DEVICES", "2", 1);
  for (const char* peers : {"1", "0"}) {
    ::setenv("FAKE_GPU_PEERS", peers, 1);
    const auto first = Open(0);
    const auto second = Open(1);
    ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
    EXPECT_EQ((*first)->ReachPeer(1).ok(), *peers == '1');
    GpuDriver* const drivers[] = {first->get(), second->get()};
    for (const absl::Status& result : GatherRounds(drivers)) EXPECT_TRUE(result.ok()) << result;
  }
  ::unsetenv("FAKE_GPU_PEERS");
  ::unsetenv("FAKE_GPU_DEVICES");
}

// What the fake counts by that name.
int Held(const char* name) {
  const auto library = SharedLibrary::Open(std::array<std::string, 1>{FAKE_GPU});
  int (*held)() = nullptr;
  FunctionLoader(*library).Load(name, held);
  return held();
}

TEST_P(VendorDriver, HoldsNoContextForAPeer) {
  ::setenv("FAKE_GPU_DEVICES", "2", 1);
  const auto first = Open(0);
  ASSERT_TRUE(first.ok()) << first.status();
  const int before = Held("fakeContextsHeld");
  EXPECT_TRUE((*first)->ReachPeer(1).ok());
  EXPECT_EQ(Held("fakeContextsHeld"), before);
  ::unsetenv("FAKE_GPU_DEVICES");
}

TEST_P(VendorDriver, RunsAKernelOnCopiesEagerlyAndAsAGraph) {
  constexpr int kCount = 300;
  constexpr int64_t kBytes = kCount * int64_t{sizeof(float)};
  auto opened = Open(0);
  ASSERT_TRUE(opened.ok()) << opened.status();
  GpuDriver& driver = **opened;
  const auto function = driver.FindFunction(kAdd);
  ASSERT_TRUE(function.ok()) << function.status();
  const auto queue = driver.CreateQueue();
  const auto event = driver.CreateEvent();
  const auto host = driver.Allocate(kBytes, MemoryKind::kHost);
  const auto device = driver.Allocate(kBytes, MemoryKind::kDevice);
  ASSERT_TRUE(queue.ok() && event.ok() && host.ok() && device.ok());
  auto* numbers = reinterpret_cast<float*>(*host);
  for (int i = 0; i < kCount; ++i) numbers[i] = static_cast<float>(i);

  auto* x = reinterpret_cast<float*>(*device);
  const AddArgs args{.a = x, .b = x, .out = x, .count = kCount};
  const GpuLaunch launch{.kernel = kAdd, .function = *function, .grid = {.x = 2}, .args = &args};
  ASSERT_TRUE(driver.Copy(*queue, *device, *host, kBytes).ok());
  ASSERT_TRUE(driver.Launch(*queue, launch).ok());
  ASSERT_TRUE(driver.BeginCapture(*queue).ok());
  ASSERT_TRUE(driver.Launch(*queue, launch).ok());
  const auto graph = driver.EndCapture(*queue);
  ASSERT_TRUE(graph.ok()) << graph.status();
  for (int replay = 0; replay < 2; ++replay) ASSERT_TRUE(driver.Launch(*queue, *graph).ok());
  ASSERT_TRUE(driver.Copy(*queue, *host, *device, kBytes).ok());
  ASSERT_TRUE(driver.Record(*queue, *event).ok());
  ASSERT_TRUE(driver.Await(*queue, *event).ok());
  ASSERT_TRUE(driver.Synchronize(*event).ok());
  for (int i = 0; i < kCount; ++i) ASSERT_EQ(numbers[i], 8.0f * static_cast<float>(i));

  driver.Destroy(*graph);
  driver.Destroy(*event);
  driver.Destroy(*queue);
  driver.Free(*host, MemoryKind::kHost);
  driver.Free(*device, MemoryKind::kDevice);
}

// A device whose memory the KV cache has taken still runs steps; one that could not get a graph does not ask again.
TEST_P(VendorDriver, RunsAStepWithoutAGraphWhereThereIsNone) {
  for (const char* reason : {"FAKE_GPU_FULL", "FAKE_GPU_NO_GRAPHS"}) {
    Tripling program(*Open(0));
    for (int run = 1; run <= 5; ++run) {
      const EnvironmentVariable failing(reason, run <= 3 ? "1" : "0");
      const absl::Status ran = program.Run(5, static_cast<float>(run));
      ASSERT_TRUE(ran.ok()) << reason << ", run " << run << ": " << ran;
      EXPECT_EQ(program.At(4), 3.0f * static_cast<float>(run));
      EXPECT_EQ(program.num_replayed(), 0);
      EXPECT_EQ(Held("fakeGraphsHeld"), 0) << reason;
    }
    for (int run = 1; run <= 2; ++run) ASSERT_TRUE(program.Run(6, 1.0f).ok());
    EXPECT_EQ(program.num_replayed(), 1) << "another step";
  }
}

TEST_P(VendorDriver, DoesNotGoOnAfterAKernelThatCouldNotBeCaptured) {
  Tripling program(*Open(0));
  ASSERT_TRUE(program.Run(5, 1.0f).ok());
  absl::Status status;
  {
    const EnvironmentVariable failing("FAKE_GPU_NO_KERNELS", "1");
    status = program.Run(5, 1.0f);
  }
  EXPECT_THAT(Message(status), HasSubstr("kernel add, 1 x 1 x 1 blocks"));
  EXPECT_EQ(program.Run(5, 1.0f), status);
  EXPECT_EQ(Held("fakeGraphsHeld"), 0);
}

TEST_P(VendorDriver, HandsOutMemoryFullOfZeros) {
  constexpr int64_t kBytes = 1000;
  auto opened = Open(0);
  ASSERT_TRUE(opened.ok()) << opened.status();
  GpuDriver& driver = **opened;
  const auto device = driver.Allocate(kBytes, MemoryKind::kDevice);
  const auto host = driver.Allocate(kBytes, MemoryKind::kHost);
  const auto queue = driver.CreateQueue();
  ASSERT_TRUE(device.ok() && host.ok() && queue.ok());
  EXPECT_THAT(std::span(*host, kBytes), Each(std::byte{0}));
  std::memset(*host, 1, kBytes);
  ASSERT_TRUE(driver.Copy(*queue, *host, *device, kBytes).ok());
  ASSERT_TRUE(driver.Synchronize(*queue).ok());
  EXPECT_THAT(std::span(*host, kBytes), Each(std::byte{0}));
  driver.Destroy(*queue);
  driver.Free(*host, MemoryKind::kHost);
  driver.Free(*device, MemoryKind::kDevice);
}

TEST_P(VendorDriver, MapsZerosBehindAddressesThatStay) {
  auto opened = Open(0);
  ASSERT_TRUE(opened.ok()) << opened.status();
  GpuDriver& driver = **opened;
  const int64_t step = driver.info().growth_bytes;
  ASSERT_GT(step, 0) << driver.info().no_growth;
  const auto memory = driver.Reserve(4 * step);
  ASSERT_TRUE(memory.ok()) << memory.status();
  const auto queue = driver.CreateQueue();
  const auto host = driver.Allocate(step, MemoryKind::kHost);
  ASSERT_TRUE(driver.Map(*memory, step).ok());
  ASSERT_TRUE(driver.Map(*memory + step, 2 * step).ok());
  std::memset(*host, 1, step);
  ASSERT_TRUE(driver.Copy(*queue, *memory, *host, step).ok());
  ASSERT_TRUE(driver.Copy(*queue, *host, *memory + 2 * step, step).ok());
  ASSERT_TRUE(driver.Synchronize(*queue).ok());
  EXPECT_THAT(std::span(*host, step), Each(std::byte{0}));
  driver.Release(*memory);
  driver.Free(*host, MemoryKind::kHost);
  driver.Destroy(*queue);
}

TEST_P(VendorDriver, KeepsWhatIsMappedWhereThereIsNoMore) {
  auto driver = Open(0);
  ASSERT_TRUE(driver.ok()) << driver.status();
  const auto device = GpuDevice::Create(*std::move(driver));
  ASSERT_TRUE(device.ok()) << device.status();
  const auto memory = (*device)->Reserve(1'000'000);
  ASSERT_TRUE(memory.ok()) << memory.status();
  const int64_t backed = *(*device)->Back(*memory, 100'000);
  EXPECT_EQ(backed, 131072) << "whole steps";
  {
    const EnvironmentVariable full("FAKE_GPU_FULL", "1");
    EXPECT_THAT(Message((*device)->Back(*memory, 200'000).status()),
                AllOf(HasSubstr("cannot map 131072 bytes of device memory"), HasSubstr("out of memory")));
    EXPECT_EQ(*(*device)->Back(*memory, 100'000), backed);
  }
  EXPECT_EQ(*(*device)->Back(*memory, 2'000'000), 1'000'000);
}

TEST_P(VendorDriver, AllocatesAtOnceWhereTheDeviceMapsNothing) {
  const EnvironmentVariable none("FAKE_GPU_MAPS", "0");
  auto driver = Open(0);
  ASSERT_TRUE(driver.ok()) << driver.status();
  const auto device = GpuDevice::Create(*std::move(driver));
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_THAT((*device)->info().remarks,
              testing::Contains("the KV cache is allocated at once: the device cannot map memory"));
  const auto memory = (*device)->Reserve(1000);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(*(*device)->Back(*memory, 1), 1000);
}

TEST(VendorDrivers, SayThatAnOldDriverMapsNothing) {
  GpuDriverInfo info;
  DescribeGrowth({}, 0, {.value = 1}, info);
  EXPECT_EQ(info.growth_bytes, 0);
  EXPECT_THAT(info.no_growth, HasSubstr("too old"));
}

TEST_P(VendorDriver, IsADeviceOfTheEngine) {
  auto driver = Open(0);
  ASSERT_TRUE(driver.ok());
  const auto device = GpuDevice::Create(*std::move(driver));
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ((*device)->info().kind, GetParam() == Vendor::kCuda ? "cuda" : "rocm");
  EXPECT_FALSE((*device)->info().reads_host_memory);
}

TEST_P(VendorDriver, RefusesADeviceThatIsNotThere) {
  EXPECT_THAT(std::string(Open(1).status().message()),
              AllOf(HasSubstr(":1 is not there"), HasSubstr("devices here: 1")));
}

TEST_P(VendorDriver, NamesAModuleThatIsDamagedOrMissing) {
  const bool is_cuda = GetParam() == Vendor::kCuda;
  const std::string module = folder_.path() + (is_cuda ? "/cuda/add.fatbin" : "/rocm/gfx942/add.hsaco");
  std::ofstream(module) << "something else";
  EXPECT_THAT(std::string((*Open(0))->FindFunction(kAdd).status().message()), HasSubstr(module + " does not run on"));
  std::filesystem::remove(module);
  EXPECT_THAT(std::string((*Open(0))->FindFunction(kAdd).status().message()), HasSubstr(module));
}

INSTANTIATE_TEST_SUITE_P(Vendors, VendorDriver, testing::Values(Vendor::kCuda, Vendor::kHip),
                         [](const auto& info) { return info.param == Vendor::kCuda ? "Cuda" : "Hip"; });

TEST(CudaDriver, SaysThatThereIsNoDriver) {
  const absl::Status status = CountCudaDevices({.library = "libno_such_driver.so.1"}).status();
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("no CUDA driver is installed"), HasSubstr("libno_such_driver")));
}

TEST(HipDriver, SaysThatThereIsNoRocm) {
  const absl::Status status = CountHipDevices({.libraries = {"libno_such.so.7", "libno_such.so.6"}}).status();
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("no ROCm is installed"), HasSubstr("libno_such.so.7")));
}

TEST(VendorDrivers, SayThatADriverHasNoDevice) {
  setenv("FAKE_GPU_DEVICES", "0", 1);
  EXPECT_THAT(std::string(CountCudaDevices({.library = FAKE_GPU}).status().message()),
              HasSubstr("the CUDA driver finds no device (no device)"));
  EXPECT_THAT(std::string(CountHipDevices({.libraries = {FAKE_GPU}}).status().message()),
              HasSubstr("ROCm finds no device (no device)"));
  unsetenv("FAKE_GPU_DEVICES");
}

TEST(HipDriver, SaysForWhichArchitecturesThereAreKernels) {
  const TempDir folder;
  WriteModules(folder.path() + "/gfx90a", ".hsaco");
  const auto driver = OpenHipDriver(0, {.libraries = {FAKE_GPU}, .modules = folder.path()});
  EXPECT_THAT(std::string(driver.status().message()), AllOf(HasSubstr("is a gfx942"), HasSubstr("kernels for gfx90a")));
}

TEST(VendorDrivers, NameTheFunctionThatAnOldDriverLacks) {
  const absl::Status status = CountCudaDevices({.library = "libm.so.6"}).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("libm.so.6 has no function cuInit"));
}

}  // namespace
}  // namespace engine::gpu
