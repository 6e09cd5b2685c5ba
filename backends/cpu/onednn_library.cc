#include "backends/cpu/onednn_library.h"

#include <dlfcn.h>

namespace engine::cpu {
namespace {

class Symbols {
 public:
  explicit Symbols(void* handle) : handle_(handle) {}

  template <typename Function>
  void Find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    if (function == nullptr && missing_ == nullptr) missing_ = name;
  }
  // The first name that is not there, or null.
  const char* missing() const { return missing_; }

 private:
  void* handle_;
  const char* missing_ = nullptr;
};

void FindAll(Symbols& symbols, OneDnnLibrary& library) {
  symbols.Find("dnnl_version", library.version);
  symbols.Find("dnnl_set_max_cpu_isa", library.set_max_cpu_isa);
  symbols.Find("dnnl_get_effective_cpu_isa", library.get_effective_cpu_isa);
  symbols.Find("dnnl_engine_create", library.engine_create);
  symbols.Find("dnnl_engine_destroy", library.engine_destroy);
  symbols.Find("dnnl_stream_create", library.stream_create);
  symbols.Find("dnnl_stream_destroy", library.stream_destroy);
  symbols.Find("dnnl_memory_desc_create_with_tag", library.memory_desc_create_with_tag);
  symbols.Find("dnnl_memory_desc_destroy", library.memory_desc_destroy);
  symbols.Find("dnnl_memory_desc_get_size", library.memory_desc_get_size);
  symbols.Find("dnnl_memory_create", library.memory_create);
  symbols.Find("dnnl_memory_destroy", library.memory_destroy);
  symbols.Find("dnnl_memory_set_data_handle", library.memory_set_data_handle);
  symbols.Find("dnnl_primitive_attr_create", library.primitive_attr_create);
  symbols.Find("dnnl_primitive_attr_destroy", library.primitive_attr_destroy);
  symbols.Find("dnnl_primitive_attr_set_scratchpad_mode", library.primitive_attr_set_scratchpad_mode);
  symbols.Find("dnnl_matmul_primitive_desc_create", library.matmul_primitive_desc_create);
  symbols.Find("dnnl_primitive_desc_destroy", library.primitive_desc_destroy);
  symbols.Find("dnnl_primitive_desc_query", library.primitive_desc_query);
  symbols.Find("dnnl_primitive_desc_query_md", library.primitive_desc_query_md);
  symbols.Find("dnnl_primitive_create", library.primitive_create);
  symbols.Find("dnnl_primitive_destroy", library.primitive_destroy);
  symbols.Find("dnnl_primitive_execute", library.primitive_execute);
}

absl::Status FindOpenMp(Symbols& symbols, OneDnnLibrary& library) {
  if (library.version()->cpu_runtime == DNNL_RUNTIME_SEQ) return absl::OkStatus();
  if (library.version()->cpu_runtime != DNNL_RUNTIME_OMP) {
    return Unimplemented("oneDNN was built for another thread runtime than OpenMP and would start threads of its own");
  }
  // Looks into what the library depends on, too.
  symbols.Find("omp_set_num_threads", library.omp_set_num_threads);
  symbols.Find("omp_get_max_threads", library.omp_get_max_threads);
  if (symbols.missing() == nullptr) return absl::OkStatus();
  return Unimplemented("oneDNN's OpenMP runtime has no %s, so its threads cannot be kept at one", symbols.missing());
}

}  // namespace

absl::StatusOr<OneDnnLibrary> OneDnnLibrary::Open() {
  void* handle = nullptr;
  for (const char* name : {ENGINE_ONEDNN_LIBRARY, ENGINE_ONEDNN_NAME}) {
    if (handle == nullptr) handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (handle == nullptr) return Unimplemented("oneDNN cannot be opened: %s", dlerror());
  Symbols symbols(handle);
  OneDnnLibrary library{};
  FindAll(symbols, library);
  if (symbols.missing() != nullptr) return Unimplemented("oneDNN has no %s; version 3 has it", symbols.missing());
  RETURN_IF_ERROR(FindOpenMp(symbols, library));
  return library;
}

}  // namespace engine::cpu
