// JSON from files we did not write: bounded in size, depth and number of values, without duplicate keys, no exceptions;
// and as text that anybody can read.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "nlohmann/json.hpp"

namespace engine {

struct JsonLimits {
  size_t max_bytes = size_t{16} << 20;  // the largest config.json and index seen are below 10 MiB
  int max_depth = 64;
  int64_t max_values = int64_t{1} << 22;  // a value costs up to 64 bytes of memory, so a document stays below 256 MiB
};

// The document in `text`; object keys keep their order. `what` names it in errors ("config.json").
absl::StatusOr<nlohmann::ordered_json> ParseJson(std::string_view text, std::string_view what, JsonLimits limits = {});

// The document as text, on one line unless there is an indent. Bytes that are not UTF-8 become U+FFFD, where dump() throws.
std::string JsonText(const nlohmann::ordered_json& document, int indent = -1);

}  // namespace engine
