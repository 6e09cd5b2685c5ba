#include "backends/hip/hip_driver.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "backends/gpu/module_folder.h"
#include "backends/gpu/vendor_driver.h"
#include "core/base/shared_library.h"

namespace engine::gpu {
namespace {

// What only HIP has, declared as its header does.
struct HipApi {
  int (*init)(unsigned flags) = nullptr;
  int (*version)(int* version) = nullptr;
  const char* (*error_string)(int error) = nullptr;
  int (*device_count)(int* count) = nullptr;
  int (*device_name)(char* name, int length, int device) = nullptr;
  int (*device_memory)(size_t* bytes, int device) = nullptr;
  int (*device_attribute)(int* value, int attribute, int device) = nullptr;
  int (*set_device)(int device) = nullptr;
  int (*can_access_peer)(int* can, int device, int peer) = nullptr;
  int (*enable_peer_access)(int peer, unsigned flags) = nullptr;
  int (*properties)(void* properties, int device) = nullptr;
  size_t architecture_offset = 0;  // in the properties
};

absl::StatusOr<SharedLibrary> OpenLibrary(const HipOptions& options) {
  auto library = SharedLibrary::Open(options.libraries);
  if (library.ok()) return library;
  return NotFound("no ROCm is installed (%s)", Message(library.status()));
}

absl::StatusOr<HipApi> LoadHip(const SharedLibrary& library) {
  HipApi api;
  FunctionLoader loader(library);
  loader.Load("hipInit", api.init);
  loader.Load("hipRuntimeGetVersion", api.version);
  loader.Load("hipGetErrorString", api.error_string);
  loader.Load("hipGetDeviceCount", api.device_count);
  loader.Load("hipDeviceGetName", api.device_name);
  loader.Load("hipDeviceTotalMem", api.device_memory);
  loader.Load("hipDeviceGetAttribute", api.device_attribute);
  loader.Load("hipSetDevice", api.set_device);
  loader.Load("hipDeviceCanAccessPeer", api.can_access_peer);
  loader.Load("hipDeviceEnablePeerAccess", api.enable_peer_access);
  // gcnArchName moved when ROCm 6 enlarged hipDeviceProp_t and renamed the function.
  const bool is_new = library.Find("hipGetDevicePropertiesR0600") != nullptr;
  loader.Load(is_new ? "hipGetDevicePropertiesR0600" : "hipGetDeviceProperties", api.properties);
  api.architecture_offset = is_new ? 1160 : 396;
  RETURN_IF_ERROR(loader.status());
  return api;
}

absl::StatusOr<VendorApi> LoadVendor(const SharedLibrary& library) {
  FunctionLoader loader(library);
  const VendorNames names = {
      .prefix = "hip",
      .allocate = "Malloc",
      .free = "Free",
      .allocate_host = "HostMalloc",
      .free_host = "HostFree",
      .create_stream = "StreamCreateWithFlags",
      .destroy_stream = "StreamDestroy",
      .create_event = "EventCreateWithFlags",
      .destroy_event = "EventDestroy",
      .launch = "ModuleLaunchKernel",
      .begin_capture = "StreamBeginCapture",
  };
  VendorApi api = LoadVendorApi(names, loader);
  constexpr int kByAddress = 4;  // hipMemcpyDefault
  int (*copy)(void*, const void*, size_t, int, void*) = nullptr;
  loader.Load("hipMemcpyAsync", copy);
  api.copy = [copy](void* to, const void* from, size_t bytes, void* stream) {
    return copy(to, from, bytes, kByAddress, stream);
  };
  int (*copy_rows)(void*, size_t, const void*, size_t, size_t, size_t, int, void*) = nullptr;
  loader.Load("hipMemcpy2DAsync", copy_rows);
  api.copy_rows = [copy_rows](const RowCopy& copy, void* stream) {
    return copy_rows(copy.destination, static_cast<size_t>(copy.destination_stride), copy.source,
                     static_cast<size_t>(copy.source_stride), static_cast<size_t>(copy.row_bytes),
                     static_cast<size_t>(copy.rows), kByAddress, stream);
  };
  int (*instantiate)(void**, void*, void**, char*, size_t) = nullptr;
  loader.Load("hipGraphInstantiate", instantiate);
  api.instantiate = [instantiate](void** executable, void* graph) {
    return instantiate(executable, graph, nullptr, nullptr, 0);
  };
  RETURN_IF_ERROR(loader.status());
  return api;
}

// Numbers of hipblaslt.h and hipblas-common.h.
MatrixLibraryNames ProductNames(std::vector<std::string> files) {
  return {.name = "hipBLASLt",
          .files = std::move(files),
          .prefix = "hipblasLt",
          .compute_f32 = 2,     // HIPBLAS_COMPUTE_32F
          .transpose_a = 0,     // HIPBLASLT_MATMUL_DESC_TRANSA
          .transposed = 112,    // HIPBLAS_OP_T
          .most_workspace = 1,  // HIPBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
          .not_supported = 7,   // HIPBLAS_STATUS_NOT_SUPPORTED
          .alignments = {}};
}

absl::StatusOr<int> Count(const HipApi& hip) {
  int count = 0;
  int error = hip.init(0);
  if (error == 0) error = hip.device_count(&count);
  if (error == 0 && count > 0) return count;
  return NotFound("ROCm finds no device (%s)", error == 0 ? "it counts 0" : hip.error_string(error));
}

// "gfx90a" of "gfx90a:sramecc+:xnack-".
std::string ArchitectureOf(const HipApi& hip, int ordinal) {
  std::array<char, 8192> properties{};  // more than any version writes
  if (hip.properties(properties.data(), ordinal) != 0) return "unknown";
  const std::string_view name(properties.data() + hip.architecture_offset);
  return std::string(name.substr(0, name.find(':')));
}

GpuDriverInfo Describe(const HipApi& hip, const VendorApi& api, int ordinal) {
  constexpr int kMapsMemory = 89;  // hipDeviceAttributeVirtualMemoryManagementSupported
  std::array<char, 256> name{};
  size_t bytes = 0;
  int version = 0;  // 60342131 for 6.3.42131
  hip.device_name(name.data(), static_cast<int>(name.size()), ordinal);
  hip.device_memory(&bytes, ordinal);
  hip.version(&version);
  GpuDriverInfo info{
      .name = absl::StrFormat("rocm:%d", ordinal),
      .kind = "rocm",
      .description = absl::StrFormat("%s, HIP %d.%d", name.data(), version / 10000000, version / 100000 % 100),
      .architecture = ArchitectureOf(hip, ordinal),
      .memory_bytes = static_cast<int64_t>(bytes),
      .ordinal = ordinal};
  VendorAnswer maps;
  maps.error = hip.device_attribute(&maps.value, kMapsMemory, ordinal);
  DescribeGrowth(api.growing, ordinal, maps, info);
  return info;
}

// Code objects run on the architecture that they were compiled for and on no other.
absl::StatusOr<std::string> FolderFor(const std::string& architecture, const HipOptions& options) {
  std::string all = options.modules;
  if (all.empty()) {
    ASSIGN_OR_RETURN(all, ModuleFolder());
    all += "/rocm";
  }
  std::string folder = all + "/" + architecture;
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return folder;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(all, error)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  return Unimplemented("the device is a %s, and %s has kernels for %s", architecture, all,
                       known.empty() ? "no device" : known);
}

}  // namespace

absl::StatusOr<int> CountHipDevices(const HipOptions& options) {
  ASSIGN_OR_RETURN(const SharedLibrary library, OpenLibrary(options));
  ASSIGN_OR_RETURN(const HipApi hip, LoadHip(library));
  return Count(hip);
}

absl::StatusOr<std::unique_ptr<GpuDriver>> OpenHipDriver(int ordinal, const HipOptions& options) {
  ASSIGN_OR_RETURN(const SharedLibrary library, OpenLibrary(options));
  ASSIGN_OR_RETURN(const HipApi hip, LoadHip(library));
  ASSIGN_OR_RETURN(VendorApi api, LoadVendor(library));
  ASSIGN_OR_RETURN(const int count, Count(hip));
  if (ordinal >= count) return NotFound("rocm:%d is not there; ROCm devices here: %d, from rocm:0", ordinal, count);
  api.device = ordinal;
  api.use_device = [set = hip.set_device, ordinal] { return set(ordinal); };
  api.can_reach_peer = [hip, ordinal](int* can, int peer) { return hip.can_access_peer(can, ordinal, peer); };
  api.reach_peer = [hip](int peer) { return hip.enable_peer_access(peer, 0); };
  api.describe = [hip](int error) { return std::string(hip.error_string(error)); };
  GpuDriverInfo info = Describe(hip, api, ordinal);
  ASSIGN_OR_RETURN(std::string folder, FolderFor(info.architecture, options));
  return MakeVendorDriver(std::move(info), std::move(api), {std::move(folder), ".hsaco"},
                          ProductNames(options.products));
}

}  // namespace engine::gpu
