# ENGINE_WITH_ONEDNN: AUTO takes oneDNN 3 where CMake finds it, ON requires it, OFF builds without it.
# Result: ENGINE_HAS_ONEDNN; backends/cpu then links DNNL::dnnl.
set(ENGINE_WITH_ONEDNN AUTO CACHE STRING "oneDNN 3 in the CPU backend: AUTO, ON or OFF")
set(ENGINE_HAS_ONEDNN OFF)

if(ENGINE_WITH_ONEDNN)
  find_package(dnnl 3 CONFIG QUIET)
  if(dnnl_FOUND)
    set(ENGINE_HAS_ONEDNN ON)
    message(STATUS "oneDNN ${dnnl_VERSION}: ${dnnl_DIR}")
  elseif(ENGINE_WITH_ONEDNN STREQUAL "AUTO")
    message(STATUS "oneDNN 3 not found: the CPU backend uses its own kernels only (scripts/setup installs oneDNN)")
  else()
    message(FATAL_ERROR "ENGINE_WITH_ONEDNN is ON and oneDNN 3 was not found; run scripts/setup or set CMAKE_PREFIX_PATH")
  endif()
endif()
