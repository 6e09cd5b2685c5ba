# ENGINE_SANITIZE: empty, "address" (with undefined behaviour and libFuzzer coverage) or "thread"; applies to everything
# we compile. A sanitized build holds only the tests that carry its label (asan or tsan) and names them asan.NAME or
# tsan.NAME.
set(ENGINE_SANITIZE "" CACHE STRING "Sanitizer: empty, address or thread")

if(ENGINE_SANITIZE STREQUAL "address")
  set(ENGINE_SANITIZE_LABEL asan)
  # Not looked for: null pointers, which end a program anyway, objects' sizes, which only ASan knows, and pointers that
  # wrap around, of which ASan sees the access. The three took a third of the build's time, of a kernel's two thirds.
  add_compile_options(
    -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=null,object-size,pointer-overflow
    -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(ENGINE_SANITIZE STREQUAL "thread")
  set(ENGINE_SANITIZE_LABEL tsan)
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(ENGINE_SANITIZE)
  message(FATAL_ERROR "ENGINE_SANITIZE is '${ENGINE_SANITIZE}'; it must be empty, address or thread")
endif()

if(ENGINE_SANITIZE)
  add_compile_options(-O1 -gline-tables-only -fno-omit-frame-pointer)
endif()
