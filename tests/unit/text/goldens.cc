#include "tests/unit/text/goldens.h"

#include <fstream>
#include <iterator>

#include "core/base/check.h"

namespace engine {

std::string ReadText(const std::string& name) {
  std::ifstream in(std::string(ENGINE_TEXT_TESTS) + "/" + name, std::ios::binary);
  ENGINE_CHECK(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

nlohmann::ordered_json ReadGoldens(const std::string& name) {
  return nlohmann::ordered_json::parse(ReadText("goldens/" + name));
}

}  // namespace engine
