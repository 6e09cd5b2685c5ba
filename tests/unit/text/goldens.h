// The files beside the tests: templates, and goldens that Python made.
#pragma once

#include <string>

#include "nlohmann/json.hpp"

namespace engine {

// name: from this folder on. A file that is not there is a bug.
std::string ReadText(const std::string& name);
nlohmann::ordered_json ReadGoldens(const std::string& name);

}  // namespace engine
