// The driver of a real GPU. CUDA's driver API and HIP differ in names and in little else: both fill this table.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "backends/gpu/driver.h"
#include "backends/gpu/matrix_library.h"
#include "backends/gpu/vendor_memory.h"
#include "core/base/shared_library.h"

namespace engine::gpu {

// Functions return 0 or the vendor's error. Handles and device addresses are as wide as a pointer in both.
struct VendorApi {
  std::function<int()> use_device;  // for calls of this thread
  std::function<std::string(int)> describe;
  int device = 0;  // its number

  int (*allocate)(void** memory, size_t bytes) = nullptr;
  int (*free)(void* memory) = nullptr;
  int (*allocate_host)(void** memory, size_t bytes, unsigned flags) = nullptr;
  int (*free_host)(void* memory) = nullptr;
  VendorMemoryApi growing;
  int (*fill)(void* memory, unsigned char value, size_t bytes, void* stream) = nullptr;
  std::function<int(void* to, const void* from, size_t bytes, void* stream)> copy;
  std::function<int(const RowCopy& copy, void* stream)> copy_rows;
  // Whether the hardware can, and to do it; it may be done already.
  std::function<int(int* can, int peer)> can_reach_peer;
  std::function<int(int peer)> reach_peer;

  int (*create_stream)(void** stream, unsigned flags) = nullptr;
  int (*destroy_stream)(void* stream) = nullptr;
  int (*synchronize_stream)(void* stream) = nullptr;
  int (*await_event)(void* stream, void* event, unsigned flags) = nullptr;
  int (*create_event)(void** event, unsigned flags) = nullptr;
  int (*destroy_event)(void* event) = nullptr;
  int (*record_event)(void* event, void* stream) = nullptr;
  int (*synchronize_event)(void* event) = nullptr;

  int (*load_module)(void** module, const void* image) = nullptr;
  int (*unload_module)(void* module) = nullptr;
  int (*get_function)(void** function, void* module, const char* name) = nullptr;
  int (*launch)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                unsigned block_z, unsigned shared_bytes, void* stream, void** args, void** extra) = nullptr;

  int (*begin_capture)(void* stream, int mode) = nullptr;
  int (*end_capture)(void* stream, void** graph) = nullptr;
  std::function<int(void** executable, void* graph)> instantiate;
  int (*launch_graph)(void* executable, void* stream) = nullptr;
  int (*destroy_graph)(void* graph) = nullptr;
  int (*destroy_executable)(void* executable) = nullptr;
};

// Most functions have the same name but for its begin; these are the others.
struct VendorNames {
  std::string prefix;
  std::string allocate, free, allocate_host, free_host;
  std::string create_stream, destroy_stream, create_event, destroy_event;
  std::string launch, begin_capture;
};

// All of the table but use_device, describe, device, copy, copy_rows, the peers and instantiate.
VendorApi LoadVendorApi(const VendorNames& names, FunctionLoader& loader);

// Kernels are in `<module_folder>/<module><suffix>`, read when the first of a module is asked for.
struct VendorModules {
  std::string folder;
  std::string suffix;
};

// `products`: where to look for a library of matrix products.
std::unique_ptr<GpuDriver> MakeVendorDriver(GpuDriverInfo info, VendorApi api, VendorModules modules,
                                            MatrixLibraryNames products);

}  // namespace engine::gpu
