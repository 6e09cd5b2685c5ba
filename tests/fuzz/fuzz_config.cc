// A config.json and a shard index of any text: no crash, what is accepted is printed and read back the same, and the
// model parsers answer with a configuration whose RoPE frequencies exist, or with an error.
#include "core/base/check.h"
#include "core/base/json.h"
#include "core/weights/byte_reader.h"
#include "core/weights/checkpoint_hugging_face.h"
#include "models/models.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {

void FuzzOne(std::span<const std::byte> bytes) {
  const std::string_view text = AsText(bytes);
  static_cast<void>(ParseShardIndex(text));
  const auto parsed = ParseJson(text, "config.json");
  if (!parsed.ok()) return;
  const std::string printed = parsed->dump();
  const auto again = ParseJson(printed, "the printed document");
  ENGINE_CHECK(again.ok() && again->dump() == printed);
  for (const ModelDefinition& model : Models()) ParseAs(model, *parsed);
}

}  // namespace engine
