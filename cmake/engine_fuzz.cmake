# engine_fuzz(NAME SOURCES a_fuzz.cc DEPS … CORPUS dir)
# A libFuzzer binary in the asan build: ctest runs it over the seed corpus and then mutates for a few seconds, always from
# the same seed; `make test-full` also mutates from a random one for ENGINE_FUZZ_SECONDS. New inputs and crashes land in the
# build folder. Other builds skip it.
set(ENGINE_FUZZ_SECONDS 300 CACHE STRING "Seconds of each fuzz target in make test-full; seven targets make 35 minutes")

function(engine_fuzz name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  if(NOT ENGINE_SANITIZE STREQUAL "address")
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} engine_warnings)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(engine_tests ${name})

  set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}_found)
  file(MAKE_DIRECTORY ${found})
  cmake_path(ABSOLUTE_PATH ARG_CORPUS)
  set(command $<TARGET_FILE:${name}> -timeout=5 -rss_limit_mb=2048 -artifact_prefix=${found}/)
  engine_add_test(${name} asan 60 ${command} -seed=1 -max_total_time=4 -verbosity=0 ${found} ${ARG_CORPUS})
  math(EXPR timeout "${ENGINE_FUZZ_SECONDS} + 60")
  engine_add_test(${name}_full "asan;full" ${timeout} ${command}
    -max_total_time=${ENGINE_FUZZ_SECONDS} -print_final_stats=1 ${found} ${ARG_CORPUS})
endfunction()
