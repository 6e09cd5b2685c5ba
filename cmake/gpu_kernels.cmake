# engine_gpu_kernels(MODULES add …): compiles backends/gpu/<module>.cu for every device whose compiler is here, into
# lib/engine of the build tree, where programs look for it (../lib/engine).
set(ENGINE_GPU_LIBRARY_DIR ${PROJECT_BINARY_DIR}/lib/engine)

function(engine_gpu_kernels)
  cmake_parse_arguments(ARG "" "" "MODULES" ${ARGN})
  list(TRANSFORM ARG_MODULES PREPEND ${PROJECT_SOURCE_DIR}/backends/gpu/ OUTPUT_VARIABLE sources)
  list(TRANSFORM sources APPEND .cu)
  set_source_files_properties(${sources} PROPERTIES LANGUAGE CXX)
  foreach(warp 32 64)
    engine_simt_library(engine_simt${warp} ${warp} "${sources}" checks_off.cc)
  endforeach()
endfunction()

# The kernels and the runtime that executes them on the CPU (backends/simt), for one warp width. Loaded at run time, so that
# both widths and the checking builds can be in one process.
function(engine_simt_library name warp kernels checks)
  set(runtime fiber.cc launch.cc machine.cc port_runtime.cc shared_memory.cc ${checks})
  list(TRANSFORM runtime PREPEND ${PROJECT_SOURCE_DIR}/backends/simt/)
  add_library(${name}_kernels OBJECT ${kernels})
  add_library(${name}_runtime OBJECT ${runtime})
  # x86-64-v3 has fused multiply-add: without it each is a call.
  target_compile_options(${name}_kernels PRIVATE -x c++ -O2 -fno-strict-aliasing -march=x86-64-v3)
  target_compile_options(${name}_runtime PRIVATE -O2)
  add_library(${name} MODULE)
  target_link_options(${name} PRIVATE -Wl,-Bsymbolic)
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${ENGINE_GPU_LIBRARY_DIR} LINKER_LANGUAGE CXX)
  foreach(part kernels runtime)
    target_include_directories(${name}_${part} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(${name}_${part} PRIVATE ENGINE_SIMT_WARP=${warp})
    target_link_libraries(${name}_${part} PRIVATE engine_warnings)
    set_target_properties(${name}_${part} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${name}_${part}>)
  endforeach()
endfunction()
