# engine_test(NAME SOURCES a_test.cc … DEPS … [LABELS asan tsan full] [TIMEOUT seconds])
# One GoogleTest binary, one ctest entry. Labels: asan, tsan: also built and run under that sanitizer;
# full: too slow for `make test`, run by `make test-full`. The target engine_tests builds every test of this build.
# Two tests run at a time; one that runs an engine, whose threads want every core, takes both places: ENGINE_TEST_PLACES,
# which a folder of such tests sets to 2.
add_custom_target(engine_tests)

function(engine_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(ENGINE_SANITIZE AND NOT ENGINE_SANITIZE_LABEL IN_LIST ARG_LABELS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock_main engine_warnings)
  target_compile_options(${name} PRIVATE -O0)  # what they test is optimised; they themselves need not be
  engine_precompile(${name} engine_test_headers)
  engine_add_test(${name} "${ARG_LABELS}" "${ARG_TIMEOUT}" $<TARGET_FILE:${name}>)
  add_dependencies(engine_tests ${name})
endfunction()

# engine_add_test(NAME LABELS TIMEOUT COMMAND…): the ctest entry alone, named after the sanitizer of this build.
function(engine_add_test name labels timeout)
  if(NOT timeout)
    set(timeout 300)
  endif()
  if(ENGINE_SANITIZE)
    set(name ${ENGINE_SANITIZE_LABEL}.${name})
    math(EXPR timeout "2 * ${timeout}")  # a SIMT test took 290 s on a machine with other work
  endif()
  add_test(NAME ${name} COMMAND ${ARGN})
  if(NOT ENGINE_TEST_PLACES)
    set(ENGINE_TEST_PLACES 1)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${labels}" PROCESSORS ${ENGINE_TEST_PLACES})
endfunction()
