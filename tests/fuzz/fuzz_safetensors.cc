// ParseSafetensors on any bytes: no crash, and no tensor outside the file.
#include "core/weights/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {

void FuzzOne(std::span<const std::byte> bytes) {
  const auto file = ParseSafetensors(bytes);
  if (file.ok()) ReadEveryRow(file->tensors);
}

}  // namespace engine
