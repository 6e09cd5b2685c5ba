# Our own code compiles without warnings. -ffp-contract=off: a fused multiply-add is written, never inferred
# (docs/numerics.md).
option(ENGINE_WERROR "Treat warnings in our own code as errors" OFF)

add_library(engine_warnings INTERFACE)
target_compile_options(engine_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wno-missing-field-initializers $<$<BOOL:${ENGINE_WERROR}>:-Werror>)
add_compile_options(-ffp-contract=off)
