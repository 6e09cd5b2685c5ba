# engine_rust_crate(NAME DIR crate-folder)
# Builds the static library of a Rust crate with cargo and offers it as the target NAME. The package in Cargo.toml decides
# the file name; Cargo.lock decides every dependency. Presets share one cargo folder, so the crate is compiled once.
set(ENGINE_CARGO_TARGET_DIR ${CMAKE_BINARY_DIR}/cargo CACHE PATH "Where cargo builds; may be shared by several build folders")

function(engine_rust_crate name)
  cmake_parse_arguments(ARG "" "DIR" "" ${ARGN})
  find_program(ENGINE_CARGO cargo PATHS $ENV{HOME}/.cargo/bin)
  if(NOT ENGINE_CARGO)
    message(FATAL_ERROR "cargo was not found and ${ARG_DIR} is a Rust crate; run scripts/setup, or set ENGINE_CARGO")
  endif()

  file(STRINGS ${ARG_DIR}/Cargo.toml package REGEX "^name *= *\"" LIMIT_COUNT 1)
  string(REGEX REPLACE "^name *= *\"([^\"]*)\".*" "\\1" package "${package}")
  string(REPLACE - _ package "${package}")
  set(library ${ENGINE_CARGO_TARGET_DIR}/release/lib${package}.a)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_DIR}/src/*.rs)
  add_custom_command(
    OUTPUT ${library}
    COMMAND ${ENGINE_CARGO} build --release --locked --target-dir ${ENGINE_CARGO_TARGET_DIR}
    COMMAND ${CMAKE_COMMAND} -E touch ${library}
    DEPENDS ${sources} ${ARG_DIR}/Cargo.toml ${ARG_DIR}/Cargo.lock
    WORKING_DIRECTORY ${ARG_DIR}
    COMMENT "cargo build ${package}"
    USES_TERMINAL VERBATIM)
  add_custom_target(${name}_cargo DEPENDS ${library})

  add_library(${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION ${library}
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
  add_dependencies(${name} ${name}_cargo)
endfunction()
