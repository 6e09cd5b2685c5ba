#include "backends/cuda/cuda_driver.h"

#include <array>

#include "backends/gpu/module_folder.h"
#include "backends/gpu/vendor_driver.h"
#include "core/base/shared_library.h"

namespace engine::gpu {
namespace {

// What only CUDA has, declared as its header does; a CUdevice is an int.
struct CudaApi {
  int (*init)(unsigned flags) = nullptr;
  int (*version)(int* version) = nullptr;
  int (*error_string)(int error, const char** text) = nullptr;
  int (*device_count)(int* count) = nullptr;
  int (*device)(int* device, int ordinal) = nullptr;
  int (*device_name)(char* name, int length, int device) = nullptr;
  int (*device_memory)(size_t* bytes, int device) = nullptr;
  int (*device_attribute)(int* value, int attribute, int device) = nullptr;
  int (*retain_context)(void** context, int device) = nullptr;
  int (*release_context)(int device) = nullptr;
  int (*set_context)(void* context) = nullptr;
  int (*can_access_peer)(int* can, int device, int peer) = nullptr;
  int (*enable_peer_access)(void* context, unsigned flags) = nullptr;

  std::string Describe(int error) const {
    const char* text = nullptr;
    return error_string(error, &text) == 0 && text != nullptr ? text : "unknown";
  }
};

// CUDA_MEMCPY2D. Of an end only the address matters: the driver knows whose it is.
struct CudaRowsEnd {
  size_t x_bytes = 0;
  size_t y = 0;
  int memory_type = 4;  // CU_MEMORYTYPE_UNIFIED
  const void* host = nullptr;
  const void* address = nullptr;
  void* array = nullptr;
  size_t pitch = 0;
};
struct CudaRows {
  CudaRowsEnd source;
  CudaRowsEnd destination;
  size_t width_bytes = 0;
  size_t height = 0;
};
static_assert(sizeof(CudaRows) == 128);

absl::StatusOr<SharedLibrary> OpenLibrary(const CudaOptions& options) {
  const std::array names = {options.library};
  auto library = SharedLibrary::Open(names);
  if (library.ok()) return library;
  return NotFound("no CUDA driver is installed (%s)", Message(library.status()));
}

absl::StatusOr<CudaApi> LoadCuda(const SharedLibrary& library) {
  CudaApi api;
  FunctionLoader loader(library);
  loader.Load("cuInit", api.init);
  loader.Load("cuDriverGetVersion", api.version);
  loader.Load("cuGetErrorString", api.error_string);
  loader.Load("cuDeviceGetCount", api.device_count);
  loader.Load("cuDeviceGet", api.device);
  loader.Load("cuDeviceGetName", api.device_name);
  loader.Load("cuDeviceTotalMem_v2", api.device_memory);
  loader.Load("cuDeviceGetAttribute", api.device_attribute);
  loader.Load("cuDevicePrimaryCtxRetain", api.retain_context);
  loader.Load("cuDevicePrimaryCtxRelease_v2", api.release_context);
  loader.Load("cuCtxSetCurrent", api.set_context);
  loader.Load("cuDeviceCanAccessPeer", api.can_access_peer);
  loader.Load("cuCtxEnablePeerAccess", api.enable_peer_access);
  RETURN_IF_ERROR(loader.status());
  return api;
}

absl::StatusOr<VendorApi> LoadVendor(const SharedLibrary& library) {
  FunctionLoader loader(library);
  const VendorNames names = {
      .prefix = "cu",
      .allocate = "MemAlloc_v2",
      .free = "MemFree_v2",
      .allocate_host = "MemHostAlloc",
      .free_host = "MemFreeHost",
      .create_stream = "StreamCreate",
      .destroy_stream = "StreamDestroy_v2",
      .create_event = "EventCreate",
      .destroy_event = "EventDestroy_v2",
      .launch = "LaunchKernel",
      .begin_capture = "StreamBeginCapture_v2",
  };
  VendorApi api = LoadVendorApi(names, loader);
  int (*copy)(void*, const void*, size_t, void*) = nullptr;
  loader.Load("cuMemcpyAsync", copy);
  api.copy = copy;
  int (*copy_rows)(const CudaRows*, void*) = nullptr;
  loader.Load("cuMemcpy2DAsync_v2", copy_rows);
  api.copy_rows = [copy_rows](const RowCopy& copy, void* stream) {
    const CudaRows rows{
        .source = {.address = copy.source, .pitch = static_cast<size_t>(copy.source_stride)},
        .destination = {.address = copy.destination, .pitch = static_cast<size_t>(copy.destination_stride)},
        .width_bytes = static_cast<size_t>(copy.row_bytes),
        .height = static_cast<size_t>(copy.rows)};
    return copy_rows(&rows, stream);
  };
  int (*instantiate)(void**, void*, uint64_t) = nullptr;
  loader.Load("cuGraphInstantiateWithFlags", instantiate);
  api.instantiate = [instantiate](void** executable, void* graph) { return instantiate(executable, graph, 0); };
  RETURN_IF_ERROR(loader.status());
  return api;
}

// Numbers of cublasLt.h and cublas_api.h.
MatrixLibraryNames ProductNames(std::vector<std::string> files) {
  return {.name = "cuBLASLt",
          .files = std::move(files),
          .prefix = "cublasLt",
          .compute_f32 = 68,            // CUBLAS_COMPUTE_32F
          .transpose_a = 3,             // CUBLASLT_MATMUL_DESC_TRANSA
          .transposed = 1,              // CUBLAS_OP_T
          .most_workspace = 1,          // CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
          .not_supported = 15,          // CUBLAS_STATUS_NOT_SUPPORTED
          .alignments = {5, 6, 7, 8}};  // CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES to _D_
}

absl::StatusOr<int> Count(const CudaApi& cuda) {
  int count = 0;
  int error = cuda.init(0);
  if (error == 0) error = cuda.device_count(&count);
  if (error == 0 && count > 0) return count;
  return NotFound("the CUDA driver finds no device (%s)", error == 0 ? "it counts 0" : cuda.Describe(error));
}

GpuDriverInfo Describe(const CudaApi& cuda, const VendorApi& api, int ordinal) {
  constexpr int kMajor = 75;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
  constexpr int kMinor = 76;
  constexpr int kMapsMemory = 102;  // CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED
  const int device = api.device;
  std::array<char, 256> name{};
  size_t bytes = 0;
  int major = 0;
  int minor = 0;
  int version = 0;  // 13020 for 13.2
  cuda.device_name(name.data(), static_cast<int>(name.size()), device);
  cuda.device_memory(&bytes, device);
  cuda.device_attribute(&major, kMajor, device);
  cuda.device_attribute(&minor, kMinor, device);
  cuda.version(&version);
  GpuDriverInfo info{.name = absl::StrFormat("cuda:%d", ordinal),
                     .kind = "cuda",
                     .description = absl::StrFormat("%s, CUDA %d.%d", name.data(), version / 1000, version % 1000 / 10),
                     .architecture = absl::StrFormat("sm_%d%d", major, minor),
                     .memory_bytes = static_cast<int64_t>(bytes),
                     .ordinal = ordinal};
  VendorAnswer maps;
  maps.error = cuda.device_attribute(&maps.value, kMapsMemory, device);
  DescribeGrowth(api.growing, device, maps, info);
  return info;
}

}  // namespace

absl::StatusOr<int> CountCudaDevices(const CudaOptions& options) {
  ASSIGN_OR_RETURN(const SharedLibrary library, OpenLibrary(options));
  ASSIGN_OR_RETURN(const CudaApi cuda, LoadCuda(library));
  return Count(cuda);
}

absl::StatusOr<std::unique_ptr<GpuDriver>> OpenCudaDriver(int ordinal, const CudaOptions& options) {
  ASSIGN_OR_RETURN(const SharedLibrary library, OpenLibrary(options));
  ASSIGN_OR_RETURN(const CudaApi cuda, LoadCuda(library));
  ASSIGN_OR_RETURN(VendorApi api, LoadVendor(library));
  ASSIGN_OR_RETURN(const int count, Count(cuda));
  if (ordinal >= count) return NotFound("cuda:%d is not there; CUDA devices here: %d, from cuda:0", ordinal, count);
  int device = 0;
  void* context = nullptr;
  int error = cuda.device(&device, ordinal);
  // The context that CUDA's libraries use too. It stays with the process.
  if (error == 0) error = cuda.retain_context(&context, device);
  if (error != 0) return FailedPrecondition("cuda:%d cannot be used: %s", ordinal, cuda.Describe(error));
  api.device = device;
  api.use_device = [set = cuda.set_context, context] { return set(context); };
  // Devices are numbers, and those of one driver the ordinals themselves.
  api.can_reach_peer = [cuda, device](int* can, int peer) { return cuda.can_access_peer(can, device, peer); };
  api.reach_peer = [cuda](int peer) {
    void* other = nullptr;  // the peer's own driver holds it
    if (const int error = cuda.retain_context(&other, peer)) return error;
    const int reached = cuda.enable_peer_access(other, 0);
    const int released = cuda.release_context(peer);
    return reached != 0 ? reached : released;
  };
  api.describe = [cuda](int code) { return cuda.Describe(code); };
  std::string folder = options.modules;
  if (folder.empty()) {
    ASSIGN_OR_RETURN(folder, ModuleFolder());
    folder += "/cuda";
  }
  GpuDriverInfo info = Describe(cuda, api, ordinal);
  return MakeVendorDriver(std::move(info), std::move(api), {std::move(folder), ".fatbin"},
                          ProductNames(options.products));
}

}  // namespace engine::gpu
