#include "backends/simt/simt_driver.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/synchronization/mutex.h"
#include "backends/gpu/module_folder.h"
#include "backends/simt/simt_memory.h"
#include "backends/simt/simt_module.h"
#include "backends/simt/simt_queues.h"
#include "core/base/bf16.h"
#include "core/base/host_memory.h"

namespace engine::gpu {
namespace {

// What devices share that are opened together: one memory, in which each has its own, and one schedule.
struct SimtSystem {
  SimtSystem(SimtModule kernels, const SimtOptions& options, int64_t device_bytes)
      : module(std::move(kernels)),
        count(options.count),
        orders_threads(options.seed != 0),
        memory(device_bytes),
        queues(options.seed, [this] { memory.Open(); }, [this] { memory.Close(); }) {}

  const SimtModule module;
  const decltype(SimtOptions::count) count;
  const bool orders_threads;
  absl::Mutex mutex;
  SimtMemory memory ABSL_GUARDED_BY(mutex);
  SimtQueues queues ABSL_GUARDED_BY(mutex);
};

// Sums of even and of odd products.
void MultiplyRows(const GpuProduct& product) {
  const auto* x = reinterpret_cast<const uint16_t*>(product.x);
  const auto* w = reinterpret_cast<const uint16_t*>(product.w);
  for (int64_t row = 0; row < product.rows; ++row) {
    for (int64_t column = 0; column < product.n; ++column) {
      std::array<float, 2> sums{};
      for (int64_t i = 0; i < product.k; ++i) {
        sums[i % 2] += Bf16ToF32(x[row * product.k + i]) * Bf16ToF32(w[column * product.k + i]);
      }
      product.y[row * product.n + column] = sums[0] + sums[1];
    }
  }
}

class SimtDriver : public GpuDriver {
 public:
  SimtDriver(GpuDriverInfo info, std::shared_ptr<SimtSystem> system)
      : info_(std::move(info)), system_(std::move(system)) {}

  const GpuDriverInfo& info() const override { return info_; }

  absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind) override {
    absl::MutexLock lock(&system_->mutex);
    ASSIGN_OR_RETURN(std::byte * memory, system_->memory.Allocate(bytes, kind, info_.ordinal));
    if (kind == MemoryKind::kDevice) system_->module.Notify(kSimtAllocated, memory, bytes);
    return memory;
  }
  void Free(std::byte* memory, MemoryKind kind) override {
    absl::MutexLock lock(&system_->mutex);
    const int64_t bytes = system_->memory.Free(memory);
    if (kind == MemoryKind::kDevice) system_->module.Notify(kSimtFreed, memory, bytes);
  }

  absl::StatusOr<std::byte*> Reserve(int64_t bytes) override {
    absl::MutexLock lock(&system_->mutex);
    ASSIGN_OR_RETURN(std::byte * memory, system_->memory.Reserve(bytes, info_.ordinal));
    system_->module.Notify(kSimtReserved, memory, bytes);
    return memory;
  }
  absl::Status Map(std::byte* begin, int64_t bytes) override {
    absl::MutexLock lock(&system_->mutex);
    ASSIGN_OR_RETURN(const SimtMemory::Mapped mapped, system_->memory.Map(begin, bytes));
    system_->module.Notify(kSimtMapped, mapped.reserved, mapped.bytes);
    return absl::OkStatus();
  }
  void Release(std::byte* reserved) override { Free(reserved, MemoryKind::kDevice); }

  absl::StatusOr<GpuQueue> CreateQueue() override {
    absl::MutexLock lock(&system_->mutex);
    return GpuQueue{system_->queues.Create()};
  }
  void Destroy(GpuQueue queue) override {
    absl::MutexLock lock(&system_->mutex);
    system_->queues.Destroy(&Of(queue));
  }
  absl::Status Synchronize(GpuQueue queue) override {
    absl::MutexLock lock(&system_->mutex);
    return system_->queues.Synchronize(Of(queue));
  }

  absl::Status Copy(GpuQueue queue, std::byte* destination, const std::byte* source, int64_t bytes) override {
    return Submit(queue, {[=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                    return CopyNow(destination, source, bytes);
                  }});
  }
  absl::Status CopyRows(GpuQueue queue, const RowCopy& copy) override {
    return Submit(queue, {[=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                    for (int64_t row = 0; row < copy.rows; ++row) {
                      RETURN_IF_ERROR(CopyNow(copy.destination + row * copy.destination_stride,
                                              copy.source + row * copy.source_stride, copy.row_bytes));
                    }
                    return absl::OkStatus();
                  }});
  }
  // As a library would: in an order that no kernel of ours has, and without an algorithm for some sizes: a sixteenth of rows,
  // whole or with one more.
  absl::Status HasMatrixLibrary() override { return absl::OkStatus(); }
  absl::StatusOr<bool> Multiply(GpuQueue queue, const GpuProduct& product) override {
    if (product.rows % 16 < 2) return false;
    RETURN_IF_ERROR(Submit(queue, {[=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                             RETURN_IF_ERROR(Check("a product reads", product.x, product.rows * product.k * 2));
                             RETURN_IF_ERROR(Check("a product reads", product.w, product.n * product.k * 2));
                             auto* const y = reinterpret_cast<std::byte*>(product.y);
                             const int64_t bytes = product.rows * product.n * static_cast<int64_t>(sizeof(float));
                             RETURN_IF_ERROR(Check("a product writes", y, bytes));
                             RETURN_IF_ERROR(Check("a product uses", product.workspace, kProductWorkspaceBytes));
                             MultiplyRows(product);
                             system_->module.Notify(kSimtWritten, y, bytes);
                             return absl::OkStatus();
                           }}));
    return true;
  }
  // Every device that was opened with it.
  absl::Status ReachPeer(int) override { return absl::OkStatus(); }
  absl::Status Launch(GpuQueue queue, const GpuLaunch& launch) override {
    const auto* args = static_cast<const std::byte*>(launch.args);
    const std::vector<std::byte> copy(args, args + launch.kernel.args_bytes);
    return Submit(queue, {[=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                    RETURN_IF_ERROR(CheckPointers(launch.kernel, copy));
                    return LaunchNow({launch.kernel, launch.function, launch.grid, copy.data()});
                  }});
  }

  absl::StatusOr<GpuEvent> CreateEvent() override { return GpuEvent{new SimtEvent}; }
  void Destroy(GpuEvent event) override { delete static_cast<SimtEvent*>(event.handle); }
  absl::Status Record(GpuQueue queue, GpuEvent event) override {
    return Submit(queue, {.run = nullptr, .records = static_cast<SimtEvent*>(event.handle)});
  }
  absl::Status Await(GpuQueue queue, GpuEvent event) override {
    return Submit(queue, {.run = nullptr, .awaits = static_cast<SimtEvent*>(event.handle)});
  }
  absl::Status Synchronize(GpuEvent event) override {
    absl::MutexLock lock(&system_->mutex);
    return system_->queues.Synchronize(*static_cast<SimtEvent*>(event.handle));
  }

  absl::StatusOr<GpuFunction> FindFunction(const KernelInstance& kernel) override {
    return system_->module.Find(kernel);
  }

  absl::Status BeginCapture(GpuQueue queue) override {
    absl::MutexLock lock(&system_->mutex);
    Of(queue).capture.emplace();
    return absl::OkStatus();
  }
  absl::StatusOr<GpuGraph> EndCapture(GpuQueue queue) override {
    absl::MutexLock lock(&system_->mutex);
    return GpuGraph{new SimtGraph(*std::exchange(Of(queue).capture, std::nullopt))};
  }
  absl::Status Launch(GpuQueue queue, GpuGraph graph) override {
    for (const SimtWork& work : *static_cast<SimtGraph*>(graph.handle)) RETURN_IF_ERROR(Submit(queue, work));
    return absl::OkStatus();
  }
  void Destroy(GpuGraph graph) override { delete static_cast<SimtGraph*>(graph.handle); }

 private:
  static SimtQueue& Of(GpuQueue queue) { return *static_cast<SimtQueue*>(queue.handle); }

  absl::Status Submit(GpuQueue queue, SimtWork work) {
    absl::MutexLock lock(&system_->mutex);
    return system_->queues.Submit(Of(queue), std::move(work));
  }

  absl::Status LaunchNow(const GpuLaunch& launch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(system_->mutex) {
    SimtCounters counters{};
    const uint64_t seed = system_->orders_threads ? system_->queues.Random() : 0;
    RETURN_IF_ERROR(system_->module.Launch(launch, seed, system_->count ? &counters : nullptr));
    if (system_->count) system_->count(launch.kernel.name, counters);
    return absl::OkStatus();
  }

  absl::Status CopyNow(std::byte* destination, const std::byte* source, int64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(system_->mutex) {
    RETURN_IF_ERROR(Check("a copy to", destination, bytes));
    RETURN_IF_ERROR(Check("a copy from", source, bytes));
    std::memcpy(destination, source, bytes);
    if (system_->memory.IsDevice(destination)) system_->module.Notify(kSimtWritten, destination, bytes);
    return absl::OkStatus();
  }
  absl::Status Check(std::string_view what, const std::byte* begin, int64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(system_->mutex) {
    const std::optional<std::string> refusal = system_->memory.Refusal(begin, bytes);
    return refusal ? FailedPrecondition("%s %s", what, *refusal) : absl::OkStatus();
  }
  // Every pointer that a kernel is given: 8 bytes of its struct that lie where an allocation is, or was.
  absl::Status CheckPointers(const KernelInstance& kernel, const std::vector<std::byte>& args)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(system_->mutex) {
    for (size_t at = 0; at + sizeof(uintptr_t) <= args.size(); at += sizeof(uintptr_t)) {
      uintptr_t address = 0;
      std::memcpy(&address, &args[at], sizeof(address));
      const auto* pointer = reinterpret_cast<const std::byte*>(address);
      const std::optional<std::string> refusal = system_->memory.Refusal(pointer, 0);
      if (refusal) return FailedPrecondition("kernel %s is given a pointer to %s", kernel.name, *refusal);
      const std::optional<int> owner = system_->memory.OtherOwner(pointer, info_.ordinal);
      if (owner) {
        return FailedPrecondition("kernel %s of device %d is given a pointer to memory of device %d", kernel.name,
                                  info_.ordinal, *owner);
      }
    }
    return absl::OkStatus();
  }

  const GpuDriverInfo info_;
  const std::shared_ptr<SimtSystem> system_;  // shared with the devices that were opened with it
};

// Of the environment, where it has one of that name.
template <typename Number>
absl::Status ReadNumber(const char* name, Number& number) {
  const char* text = std::getenv(name);
  if (text == nullptr || absl::SimpleAtoi(text, &number)) return absl::OkStatus();
  return InvalidArgument("%s is \"%s\"; it must be a number", name, text);
}

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<GpuDriver>>> OpenSimtDrivers(const SimtOptions& options, int count) {
  ASSIGN_OR_RETURN(const std::string folder, ModuleFolder());
  const char* checks = options.checks ? "check" : "";
  const std::string file =
      absl::StrFormat("%s/libengine_simt%s%s%d.so", folder, options.checks ? "_" : "", checks, options.warp);
  ASSIGN_OR_RETURN(SimtModule module, SimtModule::Open(file));
  const int64_t memory_bytes = options.memory_bytes > 0 ? options.memory_bytes : HostMemoryBytes() / count;
  const auto system = std::make_shared<SimtSystem>(std::move(module), options, memory_bytes);
  std::vector<std::unique_ptr<GpuDriver>> drivers;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    GpuDriverInfo info{.name = absl::StrFormat("simt:%s%d", checks, options.warp),
                       .kind = "simt",
                       .description = absl::StrFormat("GPU kernels on the CPU, in warps of %d", options.warp),
                       .architecture = absl::StrFormat("%swarp%d", options.checks ? "checked " : "", options.warp),
                       .memory_bytes = memory_bytes,
                       .ordinal = ordinal,
                       .growth_bytes = SimtMemory::kStep};
    drivers.push_back(std::make_unique<SimtDriver>(std::move(info), system));
  }
  return drivers;
}

absl::StatusOr<std::unique_ptr<GpuDriver>> OpenSimtDriver(const SimtOptions& options) {
  ASSIGN_OR_RETURN(auto drivers, OpenSimtDrivers(options, 1));
  return std::move(drivers.front());
}

absl::StatusOr<SimtOptions> ParseSimtOptions(std::string_view which) {
  SimtOptions options;
  RETURN_IF_ERROR(ReadNumber("ENGINE_SIMT_SEED", options.seed));
  RETURN_IF_ERROR(ReadNumber("ENGINE_SIMT_MEMORY", options.memory_bytes));
  for (const int warp : {32, 64}) {
    options.warp = warp;
    options.checks = which == absl::StrFormat(":check%d", warp);
    if (options.checks || which == absl::StrFormat(":%d", warp) || which.empty()) return options;
  }
  return InvalidArgument("the SIMT devices are simt, simt:32, simt:64, simt:check32 and simt:check64");
}

}  // namespace engine::gpu
