# cmake --install: the program, the libraries, the public headers, and a package for find_package(engine), which offers the
# target engine::engine. examples/embed uses it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/engine)
set(header_dir ${CMAKE_INSTALL_INCLUDEDIR}/engine)

add_library(engine::engine ALIAS engine_lib)
set_target_properties(engine_lib PROPERTIES EXPORT_NAME engine)
target_compile_features(engine_lib INTERFACE cxx_std_20)

install(TARGETS engine)
install(
  TARGETS engine_lib engine_text engine_output_parser engine_models engine_backends engine_backends_cpu engine_backends_gpu
    engine_backends_cuda engine_backends_hip engine_backends_simt engine_ops engine_core_runtime
    engine_core_kv engine_core_weights engine_core_graph engine_core_kernel engine_core_device engine_core_tensor
    engine_core_base
  EXPORT engine-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/engine
  INCLUDES DESTINATION ${header_dir})
install(EXPORT engine-targets NAMESPACE engine:: DESTINATION ${package_dir})

# Kernels, which programs look for (backends/gpu/module_folder.h).
install(DIRECTORY ${ENGINE_GPU_LIBRARY_DIR}/ DESTINATION ${ENGINE_GPU_INSTALL_DIR})

# The Rust library is imported and so cannot be exported; the package config declares it again.
install(FILES $<TARGET_FILE:engine_text_ffi> DESTINATION ${CMAKE_INSTALL_LIBDIR}/engine RENAME libengine_text_ffi.a)

# engine/engine.h and what it includes, and the other headers without which a program could not be written.
foreach(header
    core/base/clock.h core/base/status.h core/kernel/numerics.h core/runtime/draft.h core/runtime/sampling_params.h
    engine/embedding.h engine/engine.h engine/engine_stats.h engine/evaluate.h engine/inspect.h engine/memory_plan.h
    engine/model_path.h engine/version.h
    text/output_grammar.h)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${header_dir}/${folder})
endforeach()

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/engine-config.cmake.in ${PROJECT_BINARY_DIR}/engine-config.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/engine-config-version.cmake VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/engine-config.cmake ${PROJECT_BINARY_DIR}/engine-config-version.cmake
  DESTINATION ${package_dir})
