#include "backends/gpu/vendor_driver.h"

#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/mapped_file.h"

namespace engine::gpu {
namespace {

// Values that CUDA and HIP share.
constexpr unsigned kPortable = 1;       // host memory that is pinned for every device
constexpr unsigned kNonBlocking = 1;    // a stream without an order against the default one
constexpr unsigned kWithoutTiming = 2;  // an event
constexpr int kReachedAlready = 704;    // an error: the memory of a peer
constexpr int kThreadLocal = 1;         // a capture that other threads do not disturb

class VendorDriver : public GpuDriver {
 public:
  VendorDriver(GpuDriverInfo info, VendorApi api, VendorModules files, MatrixLibraryNames products)
      : info_(std::move(info)),
        api_(std::move(api)),
        files_(std::move(files)),
        product_names_(std::move(products)),
        growing_(api_.growing, api_.device) {}
  ~VendorDriver() override {
    api_.use_device();
    for (const auto& [name, module] : modules_) api_.unload_module(module);
  }

  const GpuDriverInfo& info() const override { return info_; }

  absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind) override {
    void* memory = nullptr;
    const bool pinned = kind == MemoryKind::kHost;
    const auto size = static_cast<size_t>(bytes);
    RETURN_IF_ERROR(UseDevice());
    const int error = pinned ? api_.allocate_host(&memory, size, kPortable) : api_.allocate(&memory, size);
    if (error != 0) {
      return ResourceExhausted("%s: cannot allocate %d bytes of %s memory: %s", info_.name, bytes,
                               pinned ? "pinned host" : "device", api_.describe(error));
    }
    if (pinned) {
      std::memset(memory, 0, size);
    } else if (const absl::Status zeroed = Zero(memory, size); !zeroed.ok()) {
      api_.free(memory);
      return zeroed;
    }
    return static_cast<std::byte*>(memory);
  }
  void Free(std::byte* memory, MemoryKind kind) override {
    api_.use_device();
    kind == MemoryKind::kHost ? api_.free_host(memory) : api_.free(memory);
  }

  absl::StatusOr<std::byte*> Reserve(int64_t bytes) override {
    if (info_.growth_bytes == 0) return absl::FailedPreconditionError(info_.no_growth);
    void* memory = nullptr;
    RETURN_IF_ERROR(UseDevice());
    RETURN_IF_ERROR(Check("reserve addresses", growing_.Reserve(&memory, static_cast<size_t>(bytes))));
    return static_cast<std::byte*>(memory);
  }
  absl::Status Map(std::byte* begin, int64_t bytes) override {
    const auto size = static_cast<size_t>(bytes);
    RETURN_IF_ERROR(UseDevice());
    if (const int error = growing_.Map(begin, size); error != 0) {
      return ResourceExhausted("%s: cannot map %d bytes of device memory: %s", info_.name, bytes, api_.describe(error));
    }
    const absl::Status zeroed = Zero(begin, size);
    if (!zeroed.ok()) growing_.Unmap(begin);
    return zeroed;
  }
  void Release(std::byte* reserved) override {
    api_.use_device();
    growing_.Release(reserved);
  }

  absl::StatusOr<GpuQueue> CreateQueue() override {
    GpuQueue queue;
    RETURN_IF_ERROR(UseDevice());
    RETURN_IF_ERROR(Check("create a stream", api_.create_stream(&queue.handle, kNonBlocking)));
    return queue;
  }
  void Destroy(GpuQueue queue) override {
    api_.use_device();
    api_.destroy_stream(queue.handle);
  }
  absl::Status Synchronize(GpuQueue queue) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("synchronize a stream", api_.synchronize_stream(queue.handle));
  }

  absl::Status Copy(GpuQueue queue, std::byte* destination, const std::byte* source, int64_t bytes) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("copy", api_.copy(destination, source, static_cast<size_t>(bytes), queue.handle));
  }
  absl::Status CopyRows(GpuQueue queue, const RowCopy& copy) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("copy rows", api_.copy_rows(copy, queue.handle));
  }
  absl::Status HasMatrixLibrary() override { return Products().status(); }
  absl::StatusOr<bool> Multiply(GpuQueue queue, const GpuProduct& product) override {
    ASSIGN_OR_RETURN(MatrixLibrary * products, Products());
    RETURN_IF_ERROR(UseDevice());
    auto multiplied = products->Multiply(product, queue.handle);
    return multiplied.ok() ? std::move(multiplied) : Annotate(multiplied.status(), info_.name);
  }
  absl::Status ReachPeer(int ordinal) override {
    if (ordinal == info_.ordinal) return absl::OkStatus();
    RETURN_IF_ERROR(UseDevice());
    int can = 0;
    RETURN_IF_ERROR(Check("ask for peers", api_.can_reach_peer(&can, ordinal)));
    if (can == 0) return Unimplemented("%s cannot reach the memory of %s:%d", info_.name, info_.kind, ordinal);
    const int error = api_.reach_peer(ordinal);
    return error == kReachedAlready ? absl::OkStatus() : Check("reach a peer", error);
  }
  absl::Status Launch(GpuQueue queue, const GpuLaunch& launch) override {
    RETURN_IF_ERROR(UseDevice());
    void* args = const_cast<void*>(launch.args);  // the driver only reads it
    const auto blocks = [](int64_t count) { return static_cast<unsigned>(count); };
    return Check("launch", api_.launch(launch.function.handle, blocks(launch.grid.x), blocks(launch.grid.y),
                                       blocks(launch.grid.z), static_cast<unsigned>(launch.kernel.threads), 1, 1, 0,
                                       queue.handle, &args, nullptr));
  }

  absl::StatusOr<GpuEvent> CreateEvent() override {
    GpuEvent event;
    RETURN_IF_ERROR(UseDevice());
    RETURN_IF_ERROR(Check("create an event", api_.create_event(&event.handle, kWithoutTiming)));
    return event;
  }
  void Destroy(GpuEvent event) override {
    api_.use_device();
    api_.destroy_event(event.handle);
  }
  absl::Status Record(GpuQueue queue, GpuEvent event) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("record an event", api_.record_event(event.handle, queue.handle));
  }
  absl::Status Synchronize(GpuEvent event) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("wait for an event", api_.synchronize_event(event.handle));
  }
  absl::Status Await(GpuQueue queue, GpuEvent event) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("await an event", api_.await_event(queue.handle, event.handle, 0));
  }

  absl::StatusOr<GpuFunction> FindFunction(const KernelInstance& kernel) override {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(UseDevice());
    ASSIGN_OR_RETURN(void* module, LoadModule(std::string(kernel.module)));
    GpuFunction function;
    const int error = api_.get_function(&function.handle, module, std::string(kernel.name).c_str());
    if (error == 0) return function;
    return NotFound("%s has no kernel %s: %s", PathOf(std::string(kernel.module)), kernel.name, api_.describe(error));
  }

  absl::Status BeginCapture(GpuQueue queue) override {
    RETURN_IF_ERROR(UseDevice());
    return Check("begin a capture", api_.begin_capture(queue.handle, kThreadLocal));
  }
  absl::StatusOr<GpuGraph> EndCapture(GpuQueue queue) override {
    RETURN_IF_ERROR(UseDevice());
    void* graph = nullptr;
    GpuGraph executable;
    RETURN_IF_ERROR(Check("end a capture", api_.end_capture(queue.handle, &graph)));
    const absl::Status made = Check("instantiate a graph", api_.instantiate(&executable.handle, graph));
    api_.destroy_graph(graph);
    RETURN_IF_ERROR(made);
    return executable;
  }
  absl::Status Launch(GpuQueue queue, GpuGraph graph) override {
    RETURN_IF_ERROR(UseDevice());
    const absl::Status launched = Check("launch a graph", api_.launch_graph(graph.handle, queue.handle));
    return launched.ok() ? launched : absl::UnavailableError(launched.message());
  }
  void Destroy(GpuGraph graph) override {
    api_.use_device();
    api_.destroy_executable(graph.handle);
  }

 private:
  absl::Status UseDevice() { return Check("use the device", api_.use_device()); }
  absl::Status Zero(void* memory, size_t size) {
    RETURN_IF_ERROR(Check("fill", api_.fill(memory, 0, size, nullptr)));
    return Check("fill", api_.synchronize_stream(nullptr));
  }
  absl::Status Check(const char* what, int error) const {
    if (error == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrFormat("%s: cannot %s: error %d, %s", info_.name, what, error, api_.describe(error)));
  }

  absl::StatusOr<MatrixLibrary*> Products() {
    absl::MutexLock lock(&mutex_);
    if (!products_) {
      RETURN_IF_ERROR(UseDevice());
      products_ = MatrixLibrary::Open(product_names_);
    }
    RETURN_IF_ERROR(products_->status());
    return (*products_)->get();
  }

  std::string PathOf(const std::string& module) const { return files_.folder + "/" + module + files_.suffix; }
  absl::StatusOr<void*> LoadModule(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (const auto found = modules_.find(name); found != modules_.end()) return found->second;
    const std::string path = PathOf(name);
    ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
    if (file.bytes().empty()) return DataLoss("%s is empty", path);
    void* module = nullptr;
    const int error = api_.load_module(&module, file.bytes().data());
    if (error != 0) {
      return FailedPrecondition("%s does not run on %s, %s: %s", path, info_.name, info_.description,
                                api_.describe(error));
    }
    return modules_[name] = module;
  }

  const GpuDriverInfo info_;
  const VendorApi api_;
  const VendorModules files_;
  const MatrixLibraryNames product_names_;
  VendorMemory growing_;
  absl::Mutex mutex_;
  std::map<std::string, void*> modules_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::StatusOr<std::unique_ptr<MatrixLibrary>>> products_ ABSL_GUARDED_BY(mutex_);  // once asked for
};

}  // namespace

VendorApi LoadVendorApi(const VendorNames& names, FunctionLoader& loader) {
  VendorApi api;
  const auto load = [&](const std::string& name, auto*& function) { loader.Load(names.prefix + name, function); };
  load(names.allocate, api.allocate);
  load(names.free, api.free);
  load(names.allocate_host, api.allocate_host);
  load(names.free_host, api.free_host);
  api.growing = LoadVendorMemory(names.prefix, loader);
  load("MemsetD8Async", api.fill);
  load(names.create_stream, api.create_stream);
  load(names.destroy_stream, api.destroy_stream);
  load("StreamSynchronize", api.synchronize_stream);
  load("StreamWaitEvent", api.await_event);
  load(names.create_event, api.create_event);
  load(names.destroy_event, api.destroy_event);
  load("EventRecord", api.record_event);
  load("EventSynchronize", api.synchronize_event);
  load("ModuleLoadData", api.load_module);
  load("ModuleUnload", api.unload_module);
  load("ModuleGetFunction", api.get_function);
  load(names.launch, api.launch);
  load(names.begin_capture, api.begin_capture);
  load("StreamEndCapture", api.end_capture);
  load("GraphLaunch", api.launch_graph);
  load("GraphDestroy", api.destroy_graph);
  load("GraphExecDestroy", api.destroy_executable);
  return api;
}

std::unique_ptr<GpuDriver> MakeVendorDriver(GpuDriverInfo info, VendorApi api, VendorModules modules,
                                            MatrixLibraryNames products) {
  return std::make_unique<VendorDriver>(std::move(info), std::move(api), std::move(modules), std::move(products));
}

}  // namespace engine::gpu
