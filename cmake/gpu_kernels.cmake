# engine_gpu_kernels(MODULES add …): compiles backends/gpu/<module>.cu for every device whose compiler is here, into
# lib/engine of the build tree, where programs look for it (../lib/engine).
set(ENGINE_GPU_LIBRARY_DIR ${PROJECT_BINARY_DIR}/lib/engine)
set(ENGINE_GPU_INSTALL_DIR lib/engine)

function(engine_gpu_kernels)
  cmake_parse_arguments(ARG "" "" "MODULES" ${ARGN})
  list(TRANSFORM ARG_MODULES PREPEND ${PROJECT_SOURCE_DIR}/backends/gpu/ OUTPUT_VARIABLE sources)
  list(TRANSFORM sources APPEND .cu)
  set_source_files_properties(${sources} PROPERTIES LANGUAGE CXX)
  set(runtime fiber.cc launch.cc machine.cc matrix.cc port_runtime.cc shared_memory.cc)
  foreach(warp 32 64)
    engine_simt_runtime(engine_simt_runtime${warp} ${warp} ${runtime} checks_off.cc)
    engine_simt_library(engine_simt${warp} ${warp} "${sources}")
    # A sanitizer's own instrumentation and that of the checks exclude each other.
    if(NOT ENGINE_SANITIZE)
      engine_simt_runtime(engine_simt_runtime_check${warp} ${warp}
        ${runtime} access_counters.cc checks_on.cc instrumentation.cc shadow.cc)
      engine_simt_library(engine_simt_check${warp} ${warp} "${sources}" CHECK)
    endif()
  endforeach()
  if(NOT ENGINE_SANITIZE)
    engine_gpu_modules(MODULES ${ARG_MODULES})
  endif()
endfunction()

# engine_simt_library(NAME WARP KERNELS [CHECK])
# The kernels and the runtime that executes them on the CPU (backends/simt), for one warp width. Loaded at run time, so that
# both widths and the checking libraries can be in one process. CHECK: accesses of the kernels are looked at one by one.
function(engine_simt_library name warp kernels)
  cmake_parse_arguments(ARG "CHECK" "" "" ${ARGN})
  # x86-64-v3 has fused multiply-add: without it each is a call. What GPUs need unrolled, a CPU's compiler may leave a loop.
  set(options -x c++ -fno-strict-aliasing -march=x86-64-v3 -Wno-pass-failed)
  if(ARG_CHECK)
    set(runtime engine_simt_runtime_check${warp})
    # The calls of ThreadSanitizer without its runtime. It knows no accesses wider than 16 bytes, hence no vectors, and by
    # default it leaves out reads before writes.
    list(APPEND options -O1 -gline-tables-only -fsanitize=thread -fno-vectorize -fno-slp-vectorize
      "SHELL:-mllvm -tsan-instrument-read-before-write=1" "SHELL:-mllvm -tsan-instrument-func-entry-exit=0")
  else()
    set(runtime engine_simt_runtime${warp})
    list(APPEND options -O2)
  endif()
  add_library(${name}_kernels OBJECT ${kernels})
  target_compile_options(${name}_kernels PRIVATE ${options})
  engine_simt_part(${name}_kernels ${warp})
  add_library(${name} MODULE $<TARGET_OBJECTS:${name}_kernels> $<TARGET_OBJECTS:${runtime}>)
  target_link_options(${name} PRIVATE -Wl,-Bsymbolic)
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${ENGINE_GPU_LIBRARY_DIR} LINKER_LANGUAGE CXX)
endfunction()

# engine_simt_runtime(NAME WARP SOURCE…)
function(engine_simt_runtime name warp)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/backends/simt/ OUTPUT_VARIABLE sources)
  add_library(${name} OBJECT ${sources})
  target_compile_options(${name} PRIVATE -O2)
  engine_simt_part(${name} ${warp})
endfunction()

function(engine_simt_part target warp)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE ENGINE_SIMT_WARP=${warp})
  target_link_libraries(${target} PRIVATE engine_warnings)
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  # ThreadSanitizer would take every fiber's stack for one thread's.
  if(ENGINE_SANITIZE STREQUAL "thread")
    target_compile_options(${target} PRIVATE -fno-sanitize=thread)
  endif()
endfunction()
