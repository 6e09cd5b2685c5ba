// libcuda and libamdhip64 for machines without a GPU, in one library: their calls go to the SIMT device, so that what the
// drivers in backends/cuda and backends/hip ask for is really done. FAKE_GPU_DEVICES is the number of devices (1);
// they reach each other unless FAKE_GPU_PEERS is 0. They map memory unless FAKE_GPU_MAPS is 0. If FAKE_GPU_FULL is set, no
// memory is left to map, and none for graphs; if FAKE_GPU_NO_GRAPHS is, graphs are not launched, if FAKE_GPU_NO_KERNELS is,
// kernels are not, captured ones included.
#include "tests/unit/gpu/fake_gpu.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/gpu/instances.h"
#include "backends/gpu/vendor_memory.h"
#include "backends/simt/simt_driver.h"

namespace engine::gpu {
namespace {

constexpr int kNoDevice = 100;  // CUDA_ERROR_NO_DEVICE and hipErrorNoDevice
constexpr int kFailed = 999;    // CUDA_ERROR_UNKNOWN and hipErrorUnknown
constexpr int kNoMemory = 2;    // CUDA_ERROR_OUT_OF_MEMORY and hipErrorOutOfMemory
constexpr int kNeverWritten = 0xa5;

struct FakeFunction {
  const KernelInstance* kernel;
  GpuFunction function;
};

// The one process-wide thing that a vendor's driver is.
struct Fake {
  std::unique_ptr<GpuDriver> simt = *OpenSimtDriver({.seed = 1});
  GpuQueue default_stream = *simt->CreateQueue();
  std::map<std::string, FakeFunction> functions;
  std::map<void*, size_t> mapped;  // bytes of each piece
  std::string error;
  int contexts_held = 0;
  int graphs_held = 0;
};
Fake& TheFake() {
  static auto& fake = *new Fake;
  return fake;
}

int Result(const absl::Status& status) {
  if (status.ok()) return 0;
  TheFake().error = std::string(status.message());
  return kFailed;
}

const char* Describe(int error) {
  if (error == kNoMemory) return "out of memory";
  return error == kNoDevice ? "no device" : TheFake().error.c_str();
}

template <typename Handle>
int Give(const absl::StatusOr<Handle>& made, void** out) {
  if (!made.ok()) return Result(made.status());
  *out = made->handle;
  return 0;
}

GpuQueue QueueOf(void* stream) { return stream == nullptr ? TheFake().default_stream : GpuQueue{stream}; }

int CountDevices(int* count) {
  const char* devices = std::getenv("FAKE_GPU_DEVICES");
  *count = devices == nullptr ? 1 : std::atoi(devices);
  return *count > 0 ? 0 : kNoDevice;
}

// The host cannot touch the SIMT device's memory.
int Fill(void* memory, unsigned char value, size_t bytes, void* stream) {
  const std::vector<std::byte> source(bytes, std::byte{value});
  GpuDriver& simt = *TheFake().simt;
  const absl::Status copied =
      simt.Copy(QueueOf(stream), static_cast<std::byte*>(memory), source.data(), static_cast<int64_t>(bytes));
  return Result(copied.ok() ? simt.Synchronize(QueueOf(stream)) : copied);
}

int Allocate(void** memory, size_t bytes, MemoryKind kind) {
  const auto made = TheFake().simt->Allocate(static_cast<int64_t>(bytes), kind);
  if (!made.ok()) return Result(made.status());
  *memory = *made;
  return Fill(*memory, kNeverWritten, bytes, nullptr);
}

int Free(void* memory, MemoryKind kind) {
  TheFake().simt->Free(static_cast<std::byte*>(memory), kind);
  return 0;
}

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && std::atoi(value) != 0;
}

int MapsMemory(int* value) {
  *value = std::getenv("FAKE_GPU_MAPS") == nullptr || IsSet("FAKE_GPU_MAPS") ? 1 : 0;
  return 0;
}

bool IsOfDevice(const VendorMemoryKind& kind) {
  return kind.type == 1 && kind.location_type == 1 && kind.handle_types == 0 && kind.flags == 0;
}

int Granularity(size_t* bytes, const VendorMemoryKind* kind, int option) {
  *bytes = 65536;
  return IsOfDevice(*kind) && option <= 1 ? 0 : kFailed;
}

int Reserve(void** address, size_t bytes) {
  const auto made = TheFake().simt->Reserve(static_cast<int64_t>(bytes));
  if (!made.ok()) return Result(made.status());
  *address = *made;
  return 0;
}

// A piece of memory is its size.
int CreateMemory(uint64_t* memory, size_t bytes, const VendorMemoryKind* kind) {
  *memory = bytes;
  if (!IsOfDevice(*kind)) return kFailed;
  return IsSet("FAKE_GPU_FULL") ? kNoMemory : 0;
}

int MapMemory(void* address, size_t bytes, size_t offset, uint64_t memory) {
  if (memory != bytes || offset != 0) return kFailed;
  TheFake().mapped[address] = bytes;
  return 0;
}

// Nothing may touch it before.
int SetAccess(void* address, size_t bytes, const VendorMemoryAccess* access, size_t count) {
  const auto piece = TheFake().mapped.find(address);
  if (piece == TheFake().mapped.end() || piece->second != bytes || count != 1 || access->access != 3) return kFailed;
  const absl::Status mapped = TheFake().simt->Map(static_cast<std::byte*>(address), static_cast<int64_t>(bytes));
  return mapped.ok() ? Fill(address, kNeverWritten, bytes, nullptr) : Result(mapped);
}

int UnmapMemory(void* address, size_t bytes) {
  const auto piece = TheFake().mapped.find(address);
  if (piece == TheFake().mapped.end() || piece->second != bytes) return kFailed;
  TheFake().mapped.erase(piece);
  return 0;
}

// Whoever frees addresses behind which there is memory has leaked it.
int FreeAddresses(void* address, size_t bytes) {
  const auto piece = TheFake().mapped.lower_bound(address);
  const auto* const end = static_cast<std::byte*>(address) + bytes;
  if (piece != TheFake().mapped.end() && piece->first < end) std::abort();
  TheFake().simt->Release(static_cast<std::byte*>(address));
  return 0;
}

int Copy(void* to, const void* from, size_t bytes, void* stream) {
  return Result(TheFake().simt->Copy(QueueOf(stream), static_cast<std::byte*>(to), static_cast<const std::byte*>(from),
                                     static_cast<int64_t>(bytes)));
}

int CopyRows(void* to, size_t to_stride, const void* from, size_t from_stride, size_t width, size_t height,
             void* stream) {
  return Result(TheFake().simt->CopyRows(QueueOf(stream), {.destination = static_cast<std::byte*>(to),
                                                           .destination_stride = static_cast<int64_t>(to_stride),
                                                           .source = static_cast<const std::byte*>(from),
                                                           .source_stride = static_cast<int64_t>(from_stride),
                                                           .row_bytes = static_cast<int64_t>(width),
                                                           .rows = static_cast<int64_t>(height)}));
}

int CanReach(int* can, int device, int peer) {
  const char* peers = std::getenv("FAKE_GPU_PEERS");
  *can = device != peer && (peers == nullptr || std::atoi(peers) != 0) ? 1 : 0;
  return 0;
}

int GetFunction(void** function, const char* name) {
  Fake& fake = TheFake();
  for (const KernelInstance* kernel : kInstances) {
    if (kernel->name != name) continue;
    const auto found = fake.simt->FindFunction(*kernel);
    if (!found.ok()) return Result(found.status());
    fake.functions[name] = {kernel, *found};
    *function = &fake.functions[name];
    return 0;
  }
  return kFailed;
}

int Launch(void* function, unsigned x, unsigned y, unsigned z, unsigned threads, void* stream, void** args) {
  const auto& [kernel, found] = *static_cast<FakeFunction*>(function);
  if (static_cast<unsigned>(kernel->threads) != threads || IsSet("FAKE_GPU_NO_KERNELS")) return kFailed;
  return Result(TheFake().simt->Launch(QueueOf(stream),
                                       {.kernel = *kernel, .function = found, .grid = {x, y, z}, .args = args[0]}));
}

// The executable is the graph itself, so destroying a graph does nothing.
int Instantiate(void** executable, void* graph) {
  if (IsSet("FAKE_GPU_FULL")) {
    TheFake().simt->Destroy(GpuGraph{graph});
    return kNoMemory;
  }
  ++TheFake().graphs_held;
  *executable = graph;
  return 0;
}

int LaunchGraph(void* executable, void* stream) {
  if (IsSet("FAKE_GPU_NO_GRAPHS")) return kNoMemory;
  return Result(TheFake().simt->Launch(QueueOf(stream), GpuGraph{executable}));
}

int DestroyExecutable(void* executable) {
  TheFake().simt->Destroy(GpuGraph{executable});
  --TheFake().graphs_held;
  return 0;
}

// hipDeviceProp_t as ROCm 6 has it.
int WriteProperties(void* properties) {
  std::strcpy(static_cast<char*>(properties) + 1160, "gfx942:sramecc+:xnack-");
  return 0;
}

}  // namespace

int FakeMultiply(const GpuProduct& product, void* stream) {
  return Result(TheFake().simt->Multiply(QueueOf(stream), product).status());
}

}  // namespace engine::gpu

using namespace engine::gpu;
using engine::MemoryKind;

// Both vendors' names for the same functions, as VendorApi has them (backends/gpu/vendor_driver.h).
#define FAKE(cuda, hip, parameters, body) \
  extern "C" int cuda parameters { body } \
  extern "C" int hip parameters { body }

FAKE(cuInit, hipInit, (unsigned), return 0;)
FAKE(cuDriverGetVersion, hipRuntimeGetVersion, (int* version), *version = 13020; return 0;)
FAKE(cuDeviceGetCount, hipGetDeviceCount, (int* count), return CountDevices(count);)
FAKE(cuDeviceGetName, hipDeviceGetName, (char* name, int, int), std::strcpy(name, "Fake"); return 0;)
FAKE(cuDeviceTotalMem_v2, hipDeviceTotalMem, (size_t* bytes, int), *bytes = size_t{8} << 30; return 0;)
FAKE(cuMemAlloc_v2, hipMalloc, (void** memory, size_t bytes), return Allocate(memory, bytes, MemoryKind::kDevice);)
FAKE(cuMemFree_v2, hipFree, (void* memory), return Free(memory, MemoryKind::kDevice);)
FAKE(cuMemHostAlloc, hipHostMalloc, (void** memory, size_t bytes, unsigned),
     return Allocate(memory, bytes, MemoryKind::kHost);)
FAKE(cuMemFreeHost, hipHostFree, (void* memory), return Free(memory, MemoryKind::kHost);)
FAKE(cuMemsetD8Async, hipMemsetD8Async, (void* memory, unsigned char value, size_t bytes, void* stream),
     return Fill(memory, value, bytes, stream);)
FAKE(cuMemGetAllocationGranularity, hipMemGetAllocationGranularity,
     (size_t* bytes, const VendorMemoryKind* kind, int option), return Granularity(bytes, kind, option);)
FAKE(cuMemAddressReserve, hipMemAddressReserve, (void** address, size_t bytes, size_t, void*, uint64_t),
     return Reserve(address, bytes);)
FAKE(cuMemAddressFree, hipMemAddressFree, (void* address, size_t bytes), return FreeAddresses(address, bytes);)
FAKE(cuMemCreate, hipMemCreate, (uint64_t* memory, size_t bytes, const VendorMemoryKind* kind, uint64_t),
     return CreateMemory(memory, bytes, kind);)
FAKE(cuMemRelease, hipMemRelease, (uint64_t), return 0;)
FAKE(cuMemMap, hipMemMap, (void* address, size_t bytes, size_t offset, uint64_t memory, uint64_t),
     return MapMemory(address, bytes, offset, memory);)
FAKE(cuMemUnmap, hipMemUnmap, (void* address, size_t bytes), return UnmapMemory(address, bytes);)
FAKE(cuMemSetAccess, hipMemSetAccess, (void* address, size_t bytes, const VendorMemoryAccess* access, size_t count),
     return SetAccess(address, bytes, access, count);)
FAKE(cuStreamCreate, hipStreamCreateWithFlags, (void** stream, unsigned),
     return Give(TheFake().simt->CreateQueue(), stream);)
FAKE(cuStreamDestroy_v2, hipStreamDestroy, (void* stream), TheFake().simt->Destroy(GpuQueue{stream}); return 0;)
FAKE(cuStreamSynchronize, hipStreamSynchronize, (void* stream),
     return Result(TheFake().simt->Synchronize(QueueOf(stream)));)
FAKE(cuStreamWaitEvent, hipStreamWaitEvent, (void* stream, void* event, unsigned),
     return Result(TheFake().simt->Await(QueueOf(stream), GpuEvent{event}));)
FAKE(cuEventCreate, hipEventCreateWithFlags, (void** event, unsigned),
     return Give(TheFake().simt->CreateEvent(), event);)
FAKE(cuEventDestroy_v2, hipEventDestroy, (void* event), TheFake().simt->Destroy(GpuEvent{event}); return 0;)
FAKE(cuEventRecord, hipEventRecord, (void* event, void* stream),
     return Result(TheFake().simt->Record(QueueOf(stream), GpuEvent{event}));)
FAKE(cuEventSynchronize, hipEventSynchronize, (void* event),
     return Result(TheFake().simt->Synchronize(GpuEvent{event}));)
FAKE(cuModuleLoadData, hipModuleLoadData, (void** module, const void* image), *module = const_cast<void*>(image);
     return std::memcmp(image, "kernels", 7) == 0 ? 0 : kFailed;)
FAKE(cuModuleUnload, hipModuleUnload, (void*), return 0;)
FAKE(cuModuleGetFunction, hipModuleGetFunction, (void** function, void*, const char* name),
     return GetFunction(function, name);)
FAKE(cuLaunchKernel, hipModuleLaunchKernel,
     (void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned, void* stream,
      void** args, void**),
     return Launch(function, x, y, z, threads, stream, args);)
FAKE(cuDeviceCanAccessPeer, hipDeviceCanAccessPeer, (int* can, int device, int peer),
     return CanReach(can, device, peer);)
FAKE(cuStreamBeginCapture_v2, hipStreamBeginCapture, (void* stream, int),
     return Result(TheFake().simt->BeginCapture(QueueOf(stream)));)
FAKE(cuStreamEndCapture, hipStreamEndCapture, (void* stream, void** graph),
     return Give(TheFake().simt->EndCapture(QueueOf(stream)), graph);)
FAKE(cuGraphLaunch, hipGraphLaunch, (void* executable, void* stream), return LaunchGraph(executable, stream);)
FAKE(cuGraphDestroy, hipGraphDestroy, (void*), return 0;)
FAKE(cuGraphExecDestroy, hipGraphExecDestroy, (void* executable), return DestroyExecutable(executable);)

// What only one of them has.
extern "C" int cuDeviceGet(int* device, int ordinal) { return *device = ordinal, 0; }
extern "C" int cuDeviceGetAttribute(int* value, int attribute, int) {
  return attribute == 102 ? MapsMemory(value) : (*value = attribute == 75 ? 9 : 0, 0);
}
extern "C" int hipDeviceGetAttribute(int* value, int attribute, int) {
  return attribute == 89 ? MapsMemory(value) : kFailed;
}
extern "C" int cuDevicePrimaryCtxRetain(void** context, int) {
  ++TheFake().contexts_held;
  return *context = &TheFake(), 0;
}
extern "C" int cuDevicePrimaryCtxRelease_v2(int) { return --TheFake().contexts_held, 0; }
extern "C" int fakeContextsHeld() { return TheFake().contexts_held; }  // for tests
extern "C" int fakeGraphsHeld() { return TheFake().graphs_held; }      // likewise
extern "C" int cuCtxSetCurrent(void* context) { return context == &TheFake() ? 0 : kFailed; }
extern "C" int cuMemcpyAsync(void* to, const void* from, size_t bytes, void* stream) {
  return Copy(to, from, bytes, stream);
}
struct FakeRowsEnd {
  size_t x, y;
  int memory_type;
  void *host, *address, *array;
  size_t pitch;
};
struct FakeRows {
  FakeRowsEnd source, destination;
  size_t width, height;
};
extern "C" int cuMemcpy2DAsync_v2(const FakeRows* rows, void* stream) {
  const auto& [source, destination, width, height] = *rows;
  if (source.memory_type != 4 || destination.memory_type != 4) return kFailed;
  return CopyRows(destination.address, destination.pitch, source.address, source.pitch, width, height, stream);
}
extern "C" int cuCtxEnablePeerAccess(void* context, unsigned) { return context == &TheFake() ? 704 : kFailed; }
extern "C" int hipDeviceEnablePeerAccess(int, unsigned) { return 0; }
extern "C" int hipMemcpy2DAsync(void* to, size_t to_stride, const void* from, size_t from_stride, size_t width,
                                size_t height, int kind, void* stream) {
  return kind == 4 ? CopyRows(to, to_stride, from, from_stride, width, height, stream) : kFailed;
}
extern "C" int cuGraphInstantiateWithFlags(void** executable, void* graph, uint64_t flags) {
  return flags == 0 ? Instantiate(executable, graph) : kFailed;
}
extern "C" int cuGetErrorString(int error, const char** text) { return *text = Describe(error), 0; }
extern "C" int hipSetDevice(int) { return 0; }
extern "C" int hipGetDevicePropertiesR0600(void* properties, int) { return WriteProperties(properties); }
extern "C" int hipMemcpyAsync(void* to, const void* from, size_t bytes, int kind, void* stream) {
  return kind == 4 ? Copy(to, from, bytes, stream) : kFailed;
}
extern "C" int hipGraphInstantiate(void** executable, void* graph, void**, char*, size_t) {
  return Instantiate(executable, graph);
}
extern "C" const char* hipGetErrorString(int error) { return Describe(error); }
