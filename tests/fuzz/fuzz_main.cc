#include <cstdint>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  engine::FuzzOne(std::as_bytes(std::span(data, size)));
  return 0;
}
