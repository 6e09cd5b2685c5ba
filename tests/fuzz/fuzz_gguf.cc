// ParseGguf on any bytes: no crash, no tensor outside the file, a config that can be printed, and model parsers that
// answer with a configuration or an error.
#include <cstdint>

#include "core/weights/checkpoint_gguf.h"
#include "models/gguf_names.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {

void FuzzOne(std::span<const std::byte> bytes) {
  const auto file = ParseGguf(bytes);
  if (!file.ok()) return;
  ReadEveryRow(file->tensors);
  const nlohmann::ordered_json metadata = GgufConfig(file->metadata);
  metadata.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  const auto config = ConfigFromGguf(metadata, /*vocab=*/100, /*has_head=*/true);
  if (!config.ok()) return;
  for (const ModelDefinition& model : Models()) ParseAs(model, *config);
}

}  // namespace engine
