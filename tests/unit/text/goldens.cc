#include "tests/unit/text/goldens.h"

#include "core/base/files.h"

namespace engine {

std::string ReadText(const std::string& name) { return *ReadFile(std::string(ENGINE_TEXT_TESTS) + "/" + name); }

nlohmann::ordered_json ReadGoldens(const std::string& name) {
  return nlohmann::ordered_json::parse(ReadText("goldens/" + name));
}

}  // namespace engine
