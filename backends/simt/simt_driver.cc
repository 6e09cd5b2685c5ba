#include "backends/simt/simt_driver.h"

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
#include "core/base/host_memory.h"

namespace engine::gpu {
namespace {

class SimtDriver : public GpuDriver {
 public:
  SimtDriver(GpuDriverInfo info, SimtModule module, uint64_t seed)
      : info_(std::move(info)),
        module_(std::move(module)),
        orders_threads_(seed != 0),
        queues_(seed, [this] { memory_.Open(); }, [this] { memory_.Close(); }) {}

  const GpuDriverInfo& info() const override { return info_; }

  absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(std::byte * memory, memory_.Allocate(bytes, kind));
    if (kind == MemoryKind::kDevice) module_.Notify(kSimtAllocated, memory, bytes);
    return memory;
  }
  void Free(std::byte* memory, MemoryKind kind) override {
    absl::MutexLock lock(&mutex_);
    const int64_t bytes = memory_.Free(memory);
    if (kind == MemoryKind::kDevice) module_.Notify(kSimtFreed, memory, bytes);
  }

  absl::StatusOr<GpuQueue> CreateQueue() override {
    absl::MutexLock lock(&mutex_);
    return GpuQueue{queues_.Create()};
  }
  void Destroy(GpuQueue queue) override {
    absl::MutexLock lock(&mutex_);
    queues_.Destroy(&Of(queue));
  }
  absl::Status Synchronize(GpuQueue queue) override {
    absl::MutexLock lock(&mutex_);
    return queues_.Synchronize(Of(queue));
  }

  absl::Status Copy(GpuQueue queue, std::byte* destination, const std::byte* source, int64_t bytes) override {
    return Submit(queue, {[=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                    RETURN_IF_ERROR(Check("a copy to", destination, bytes));
                    RETURN_IF_ERROR(Check("a copy from", source, bytes));
                    std::memcpy(destination, source, bytes);
                    if (memory_.IsDevice(destination)) module_.Notify(kSimtWritten, destination, bytes);
                    return absl::OkStatus();
                  }});
  }
  absl::Status Launch(GpuQueue queue, const GpuLaunch& launch) override {
    const auto* args = static_cast<const std::byte*>(launch.args);
    const std::vector<std::byte> copy(args, args + launch.kernel.args_bytes);
    return Submit(queue, {[=, this]() ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                    RETURN_IF_ERROR(CheckPointers(launch.kernel, copy));
                    return module_.Launch({launch.kernel, launch.function, launch.grid, copy.data()},
                                          orders_threads_ ? queues_.Random() : 0);
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
    absl::MutexLock lock(&mutex_);
    return queues_.Synchronize(*static_cast<SimtEvent*>(event.handle));
  }

  absl::StatusOr<GpuFunction> FindFunction(const KernelInstance& kernel) override { return module_.Find(kernel); }

  absl::Status BeginCapture(GpuQueue queue) override {
    absl::MutexLock lock(&mutex_);
    Of(queue).capture.emplace();
    return absl::OkStatus();
  }
  absl::StatusOr<GpuGraph> EndCapture(GpuQueue queue) override {
    absl::MutexLock lock(&mutex_);
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
    absl::MutexLock lock(&mutex_);
    return queues_.Submit(Of(queue), std::move(work));
  }

  absl::Status Check(std::string_view what, const std::byte* begin, int64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::optional<std::string> refusal = memory_.Refusal(begin, bytes);
    return refusal ? FailedPrecondition("%s %s", what, *refusal) : absl::OkStatus();
  }
  // Every pointer that a kernel is given: 8 bytes of its struct that lie where an allocation is, or was.
  absl::Status CheckPointers(const KernelInstance& kernel, const std::vector<std::byte>& args)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (size_t at = 0; at + sizeof(uintptr_t) <= args.size(); at += sizeof(uintptr_t)) {
      uintptr_t address = 0;
      std::memcpy(&address, &args[at], sizeof(address));
      const auto* pointer = reinterpret_cast<const std::byte*>(address);
      const std::optional<std::string> refusal = memory_.Refusal(pointer, 0);
      if (refusal) return FailedPrecondition("kernel %s is given a pointer to %s", kernel.name, *refusal);
    }
    return absl::OkStatus();
  }

  const GpuDriverInfo info_;
  const SimtModule module_;
  const bool orders_threads_;
  absl::Mutex mutex_;
  SimtMemory memory_ ABSL_GUARDED_BY(mutex_);
  SimtQueues queues_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<GpuDriver>> OpenSimtDriver(const SimtOptions& options) {
  ASSIGN_OR_RETURN(const std::string folder, ModuleFolder());
  const char* checks = options.checks ? "check" : "";
  const std::string file =
      absl::StrFormat("%s/libengine_simt%s%s%d.so", folder, options.checks ? "_" : "", checks, options.warp);
  ASSIGN_OR_RETURN(SimtModule module, SimtModule::Open(file));
  GpuDriverInfo info{.name = absl::StrFormat("simt:%s%d", checks, options.warp),
                     .kind = "simt",
                     .description = absl::StrFormat("GPU kernels on the CPU, in warps of %d", options.warp),
                     .architecture = absl::StrFormat("%swarp%d", options.checks ? "checked " : "", options.warp),
                     .memory_bytes = HostMemoryBytes()};
  return std::make_unique<SimtDriver>(std::move(info), std::move(module), options.seed);
}

absl::StatusOr<SimtOptions> ParseSimtOptions(std::string_view which) {
  SimtOptions options;
  if (const char* seed = std::getenv("ENGINE_SIMT_SEED"); seed != nullptr && !absl::SimpleAtoi(seed, &options.seed)) {
    return InvalidArgument("ENGINE_SIMT_SEED is \"%s\"; it must be a number", seed);
  }
  for (const int warp : {32, 64}) {
    options.warp = warp;
    options.checks = which == absl::StrFormat(":check%d", warp);
    if (options.checks || which == absl::StrFormat(":%d", warp) || which.empty()) return options;
  }
  return InvalidArgument("the SIMT devices are simt, simt:32, simt:64, simt:check32 and simt:check64");
}

}  // namespace engine::gpu
