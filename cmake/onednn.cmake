# ENGINE_WITH_ONEDNN: AUTO takes oneDNN 3 where CMake finds it, ON requires it, OFF builds without it.
# Result: ENGINE_HAS_ONEDNN; backends/cpu then opens the shared library of DNNL::dnnl when a
# kernel needs it.
set(ENGINE_WITH_ONEDNN AUTO CACHE STRING "oneDNN 3 in the CPU backend: AUTO, ON or OFF")
set(ENGINE_HAS_ONEDNN OFF)

if(ENGINE_WITH_ONEDNN)
  find_package(dnnl 3 CONFIG QUIET)
  set(onednn_type "")
  if(dnnl_FOUND)
    get_target_property(onednn_type DNNL::dnnl TYPE)
    get_target_property(ENGINE_ONEDNN_INCLUDES DNNL::dnnl INTERFACE_INCLUDE_DIRECTORIES)
  endif()
  if(onednn_type STREQUAL "SHARED_LIBRARY")
    set(ENGINE_HAS_ONEDNN ON)
    message(STATUS "oneDNN ${dnnl_VERSION}: ${dnnl_DIR}")
  elseif(ENGINE_WITH_ONEDNN STREQUAL "AUTO")
    message(STATUS "no shared oneDNN 3 found: the CPU backend uses its own kernels only (scripts/setup installs oneDNN)")
  else()
    message(FATAL_ERROR "ENGINE_WITH_ONEDNN is ON and no shared oneDNN 3 was found; run scripts/setup or set CMAKE_PREFIX_PATH")
  endif()
endif()
