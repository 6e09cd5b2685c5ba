# engine_cpu_kernels(TARGET SOURCES a.cc … DEPS …)
# Compiles each source three times, as ENGINE_ISA = portable, avx2 and avx512, into the library TARGET. No compiler flag
# names an instruction set: backends/cpu/isa/target.h says why. -mtune only orders instructions: a group of a Q4_0 tile takes 163
# cycles of a Zen 4 so, of which multiplications take 160, and 171 by default or with the models of Intel's, unmeasured there.
function(engine_cpu_kernels target)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  set(level 0)
  foreach(isa portable avx2 avx512)
    set(objects ${target}_${isa})
    add_library(${objects} OBJECT ${ARG_SOURCES})
    target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(${objects} PRIVATE ENGINE_ISA=${isa} ENGINE_ISA_LEVEL=${level})
    target_compile_options(${objects} PRIVATE -mtune=znver4)
    target_link_libraries(${objects} PRIVATE ${ARG_DEPS} engine_warnings)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
    math(EXPR level "${level} + 1")
  endforeach()
endfunction()
