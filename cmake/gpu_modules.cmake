# engine_gpu_modules(MODULES add …): device code of backends/gpu/<module>.cu for GPUs, beside the SIMT libraries:
#   lib/engine/cuda/<module>.fatbin          by nvcc, for ENGINE_CUDA_ARCHITECTURES, with PTX of the first for newer ones
#   lib/engine/rocm/<gfx>/<module>.hsaco     by clang, for ENGINE_ROCM_ARCHITECTURES; needs nothing of ROCm
# What the compilers say about registers and spills, and their assembly for AMD, is kept in ENGINE_GPU_REPORT_DIR, for
# tests/unit/gpu/budgets_test.py.
# A missing compiler is a message; without cuobjdump the budgets of instructions are those of AMD alone.
set(ENGINE_GPU_REPORT_DIR ${PROJECT_BINARY_DIR}/gpu_reports)
set(ENGINE_CUDA_ARCHITECTURES 80 90a CACHE STRING "NVIDIA architectures to compile kernels for")
set(ENGINE_ROCM_ARCHITECTURES gfx942 gfx1100 CACHE STRING "AMD architectures to compile kernels for")
# The others that we keep compiling: target engine_gpu_modules_full, which `make test-full` builds.
set(other_cuda_architectures 86 89 100a 103a 120a)
set(other_rocm_architectures gfx90a gfx1201)

# The same results everywhere (docs/numerics.md, rule 1): no contraction, no flushing, IEEE quotients and roots.
# 128, "loop is not reachable", is what nvcc says of code behind an `if constexpr` that returns.
set(cuda_options -std=c++20 --expt-relaxed-constexpr --fmad=false -ftz=false -prec-div=true -prec-sqrt=true
  -diag-suppress=128)
set(rocm_options -x hip -std=c++20 -O3 -nogpuinc -nogpulib --offload-device-only --no-gpu-bundle-output
  -ffp-contract=off -fhip-fp32-correctly-rounded-divide-sqrt -fno-strict-aliasing -Wall -Wextra -Wpedantic
  -Rpass-analysis=kernel-resource-usage)

function(engine_find_gpu_compilers)
  file(GLOB wheels ${PROJECT_SOURCE_DIR}/.deps/lib/python3*/site-packages/nvidia/cu13/bin)
  find_program(ENGINE_NVCC nvcc HINTS ${wheels})
  find_program(ENGINE_CUOBJDUMP cuobjdump HINTS ${wheels})
  find_program(ENGINE_ROCM_CLANG NAMES clang++-19 clang++)
  if(NOT ENGINE_NVCC)
    message(STATUS "nvcc not found: no CUDA modules are built (scripts/setup test installs it)")
  endif()
  # A clang without the target, or without its linker, cannot do it.
  if(ENGINE_ROCM_CLANG AND NOT DEFINED ENGINE_ROCM_WORKS)
    file(WRITE ${CMAKE_BINARY_DIR}/rocm_probe.cu "__attribute__((global)) void probe() {}\n")
    execute_process(
      COMMAND ${ENGINE_ROCM_CLANG} ${rocm_options} --offload-arch=gfx942 ${CMAKE_BINARY_DIR}/rocm_probe.cu
        -o ${CMAKE_BINARY_DIR}/rocm_probe.hsaco
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed)
      set(works OFF)
    else()
      set(works ON)
    endif()
    set(ENGINE_ROCM_WORKS ${works} CACHE INTERNAL "Whether ENGINE_ROCM_CLANG compiles for AMD GPUs")
  endif()
  if(NOT ENGINE_ROCM_WORKS)
    message(STATUS "no clang that compiles for AMD GPUs: no ROCm modules are built")
  endif()
endfunction()

function(engine_gpu_modules)
  cmake_parse_arguments(ARG "" "" "MODULES" ${ARGN})
  engine_find_gpu_compilers()
  engine_module_set(engine_gpu_modules ${ENGINE_GPU_LIBRARY_DIR} ${ENGINE_GPU_REPORT_DIR} ALL
    MODULES ${ARG_MODULES} CUDA ${ENGINE_CUDA_ARCHITECTURES} ROCM ${ENGINE_ROCM_ARCHITECTURES})
  engine_module_set(engine_gpu_modules_full ${PROJECT_BINARY_DIR}/gpu_modules_full ${ENGINE_GPU_REPORT_DIR}_full
    MODULES ${ARG_MODULES} CUDA ${other_cuda_architectures} ROCM ${other_rocm_architectures})
endfunction()

# engine_module_set(NAME FOLDER REPORTS [ALL] MODULES … CUDA … ROCM …): the target NAME builds modules for architectures.
function(engine_module_set name folder reports)
  set(all)
  cmake_parse_arguments(ARG "ALL" "" "MODULES;CUDA;ROCM" ${ARGN})
  if(ARG_ALL)
    set(all ALL)
  endif()
  set(outputs)
  foreach(module ${ARG_MODULES})
    if(ENGINE_NVCC)
      engine_cuda_module(${module} ${folder}/cuda ${reports}/cuda ${ARG_CUDA})
    endif()
    if(ENGINE_ROCM_WORKS)
      foreach(arch ${ARG_ROCM})
        engine_rocm_module(${module} ${folder}/rocm/${arch} ${reports}/${arch} ${arch})
      endforeach()
    endif()
  endforeach()
  add_custom_target(${name} ${all} DEPENDS ${outputs})
endfunction()

# These append to `outputs` of the caller.
function(engine_cuda_module module folder reports)
  set(targets)
  foreach(arch ${ARGN})
    list(APPEND targets -gencode arch=compute_${arch},code=sm_${arch})
  endforeach()
  list(GET ARGN 0 oldest)
  list(APPEND targets -gencode arch=compute_${oldest},code=compute_${oldest})
  set(output ${folder}/${module}.fatbin)
  engine_device_code(${module} ${output} ${reports}
    COMPILE ${ENGINE_NVCC} -fatbin ${targets} ${cuda_options} $<$<BOOL:${ENGINE_WERROR}>:-Werror=all-warnings> -Xptxas=-v -o ${output})
  set(outputs ${outputs} ${output} PARENT_SCOPE)
endfunction()

# Warps of gfx9 have 64 lanes, later ones 32.
function(engine_rocm_module module folder reports arch)
  set(warp 32)
  if(arch MATCHES "^gfx9")
    set(warp 64)
  endif()
  set(output ${folder}/${module}.hsaco)
  set(assembly ${reports}/${module}.s)
  engine_device_code(${module} ${output} ${reports}
    COMPILE ${ENGINE_ROCM_CLANG} ${rocm_options} --offload-arch=${arch} -DENGINE_HIP_WARP=${warp} $<$<BOOL:${ENGINE_WERROR}>:-Werror>
      -S -o ${assembly}
    THEN COMMAND ${ENGINE_ROCM_CLANG} --target=amdgcn-amd-amdhsa -mcpu=${arch} ${assembly} -o ${output})
  set(outputs ${outputs} ${output} PARENT_SCOPE)
endfunction()

# COMPILE … [THEN COMMAND …] make `output` of ${module}.cu; what the compiler reports becomes <reports>/<module>.log.
function(engine_device_code module output reports)
  cmake_parse_arguments(ARG "" "" "COMPILE;THEN" ${ARGN})
  set(source ${PROJECT_SOURCE_DIR}/backends/gpu/${module}.cu)
  set(report ${reports}/${module})
  cmake_path(GET output PARENT_PATH folder)
  cmake_path(GET reports FILENAME target)
  file(MAKE_DIRECTORY ${folder} ${reports})
  add_custom_command(
    OUTPUT ${output} ${report}.log
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/with_log.sh ${report}.log
      ${ARG_COMPILE} -I${PROJECT_SOURCE_DIR} -MD -MF ${report}.d -MT ${output} ${source}
    ${ARG_THEN}
    DEPENDS ${source} ${PROJECT_SOURCE_DIR}/cmake/with_log.sh
    DEPFILE ${report}.d
    COMMENT "Compiling ${module} for ${target}"
    COMMAND_EXPAND_LISTS VERBATIM)
endfunction()
