# Speeds up builds where the machine can: a compiler cache and a parallel linker, each used only if it is there.
find_program(ENGINE_CCACHE ccache)
if(ENGINE_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness that precompiled headers need (cmake/precompiled.cmake).
  set(CMAKE_C_COMPILER_LAUNCHER ${ENGINE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ENGINE_CCACHE})
endif()

include(CheckLinkerFlag)
foreach(linker lld mold)
  check_linker_flag(CXX -fuse-ld=${linker} ENGINE_LINKER_${linker})
  if(ENGINE_LINKER_${linker})
    add_link_options(-fuse-ld=${linker})
    break()
  endif()
endforeach()
