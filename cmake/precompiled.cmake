# Headers that most sources include, compiled once per build: it halves the time of a cold one.
#   engine_precompiled_headers(NAME LIBRARY|EXECUTABLE DEPS … HEADERS … [OPTIONS …])
#                                                                          makes a set for targets of that kind and options
#   engine_precompile(TARGET NAME)                                         lets a target read them
# Sources still include what they use: the tsan preset builds without precompiled headers and fails where one does not.

# ccache keeps objects that were compiled with precompiled headers if those hold no time of their own.
set(reproducible "SHELL:-Xclang -fno-pch-timestamp")

function(engine_precompiled_headers name kind)
  cmake_parse_arguments(ARG "" "" "DEPS;HEADERS;OPTIONS" ${ARGN})
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS OR NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    return()
  endif()
  set(source ${CMAKE_BINARY_DIR}/${name}.cc)
  file(CONFIGURE OUTPUT ${source} CONTENT "int main() { return 0; }\n")
  if(kind STREQUAL EXECUTABLE)
    add_executable(${name} EXCLUDE_FROM_ALL ${source})
  else()
    add_library(${name} STATIC EXCLUDE_FROM_ALL ${source})
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} engine_warnings)
  target_compile_options(${name} PRIVATE ${ARG_OPTIONS} ${reproducible})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

function(engine_precompile target name)
  if(TARGET ${name})
    target_compile_options(${target} PRIVATE ${reproducible})
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()
