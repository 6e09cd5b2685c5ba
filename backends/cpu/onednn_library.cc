#include "backends/cpu/onednn_library.h"

#include <array>

#include "core/base/shared_library.h"

namespace engine::cpu {
namespace {

void FindAll(FunctionLoader& loader, OneDnnLibrary& library) {
  loader.Load("dnnl_version", library.version);
  loader.Load("dnnl_set_max_cpu_isa", library.set_max_cpu_isa);
  loader.Load("dnnl_get_effective_cpu_isa", library.get_effective_cpu_isa);
  loader.Load("dnnl_engine_create", library.engine_create);
  loader.Load("dnnl_engine_destroy", library.engine_destroy);
  loader.Load("dnnl_stream_create", library.stream_create);
  loader.Load("dnnl_stream_destroy", library.stream_destroy);
  loader.Load("dnnl_memory_desc_create_with_tag", library.memory_desc_create_with_tag);
  loader.Load("dnnl_memory_desc_destroy", library.memory_desc_destroy);
  loader.Load("dnnl_memory_desc_get_size", library.memory_desc_get_size);
  loader.Load("dnnl_memory_create", library.memory_create);
  loader.Load("dnnl_memory_destroy", library.memory_destroy);
  loader.Load("dnnl_memory_set_data_handle", library.memory_set_data_handle);
  loader.Load("dnnl_primitive_attr_create", library.primitive_attr_create);
  loader.Load("dnnl_primitive_attr_destroy", library.primitive_attr_destroy);
  loader.Load("dnnl_primitive_attr_set_scratchpad_mode", library.primitive_attr_set_scratchpad_mode);
  loader.Load("dnnl_matmul_primitive_desc_create", library.matmul_primitive_desc_create);
  loader.Load("dnnl_primitive_desc_destroy", library.primitive_desc_destroy);
  loader.Load("dnnl_primitive_desc_query", library.primitive_desc_query);
  loader.Load("dnnl_primitive_desc_query_md", library.primitive_desc_query_md);
  loader.Load("dnnl_primitive_create", library.primitive_create);
  loader.Load("dnnl_primitive_destroy", library.primitive_destroy);
  loader.Load("dnnl_primitive_execute", library.primitive_execute);
}

absl::Status FindOpenMp(const SharedLibrary& opened, OneDnnLibrary& library) {
  if (library.version()->cpu_runtime == DNNL_RUNTIME_SEQ) return absl::OkStatus();
  if (library.version()->cpu_runtime != DNNL_RUNTIME_OMP) {
    return Unimplemented("oneDNN was built for another thread runtime than OpenMP and would start threads of its own");
  }
  // Looks into what the library depends on, too.
  FunctionLoader loader(opened);
  loader.Load("omp_set_num_threads", library.omp_set_num_threads);
  loader.Load("omp_get_max_threads", library.omp_get_max_threads);
  return Annotate(loader.status(), "oneDNN's threads cannot be kept at one");
}

}  // namespace

absl::StatusOr<OneDnnLibrary> OneDnnLibrary::Open() {
  const auto opened = SharedLibrary::Open(std::array<std::string, 2>{ENGINE_ONEDNN_LIBRARY, ENGINE_ONEDNN_NAME});
  if (!opened.ok()) return Unimplemented("oneDNN cannot be opened: %s", Message(opened.status()));
  FunctionLoader loader(*opened);
  OneDnnLibrary library{};
  FindAll(loader, library);
  RETURN_IF_ERROR(loader.status());
  RETURN_IF_ERROR(FindOpenMp(*opened, library));
  return library;
}

}  // namespace engine::cpu
