// ParseGguf on any bytes: no crash, no tensor outside the file, and a config that can be printed.
#include <cstdint>

#include "core/weights/checkpoint_gguf.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {

void FuzzOne(std::span<const std::byte> bytes) {
  const auto file = ParseGguf(bytes);
  if (!file.ok()) return;
  ReadEveryRow(file->tensors);
  GgufConfig(file->metadata).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace engine
