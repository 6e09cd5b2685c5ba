// Results for programs: one JSON document on stdout.
#pragma once

#include "cli/answer.h"
#include "nlohmann/json.hpp"

namespace engine {

// Bytes that are not UTF-8 become U+FFFD.
void PrintJson(const nlohmann::ordered_json& document);

nlohmann::ordered_json ToJson(const Answer& answer, const ModelInfo& model, double load_seconds);

}  // namespace engine
