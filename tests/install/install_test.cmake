# Installs BUILD under WORK, builds EXAMPLE against it, and runs that on a tiny model, also with the installed GPU kernels.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${result}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
set(ENV{CMAKE_PREFIX_PATH} ${WORK}/prefix:${PREFIX_PATH})
run(${CMAKE_COMMAND} -S ${EXAMPLE} -B ${WORK}/embed -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${COMPILER})
run(${CMAKE_COMMAND} --build ${WORK}/embed)
run(${WRITE_TINY_MODELS} ${WORK}/models)

run(${WORK}/prefix/bin/engine --version)
# What a tiny model answers; ARGN: the device, if not the CPU.
function(answer)
  run(${WORK}/embed/embed ${WORK}/models/tiny.gguf "Hello?" ${ARGN})
  string(LENGTH "${output}" length)
  if(length LESS 20)
    message(FATAL_ERROR "the answer to 64 tokens is too short: ${output}")
  endif()
endfunction()
answer()

# The prefix is not the one that was configured, and the program not in it. Kernels of the build, which lie above the program,
# are not taken for those that are named.
set(ENV{ENGINE_GPU_MODULES} ${WORK}/prefix/lib/engine)
answer(simt)
set(ENV{ENGINE_GPU_MODULES} ${WORK}/models)
execute_process(COMMAND ${WORK}/embed/embed ${WORK}/models/tiny.gguf "Hello?" simt
  RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE output)
if(result EQUAL 0 OR NOT output MATCHES "ENGINE_GPU_MODULES is .*/models, which holds no GPU kernels")
  message(FATAL_ERROR "a folder without kernels was taken for one with: ended with ${result}: ${output}")
endif()
