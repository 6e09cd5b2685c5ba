// How a Hugging Face checkpoint says that its weights are quantised.
#pragma once

#include <string>

#include "core/base/status.h"
#include "nlohmann/json_fwd.hpp"

namespace engine {

// Whether `config` (config.json, read from `name`) has unquantised weights or a scheme that we read: compressed-tensors
// in the format int-quantized, symmetric 8-bit integers with a scale per output row ("W8A8"). The error names the first
// setting that is not one of ours.
absl::Status CheckQuantizationConfig(const nlohmann::ordered_json& config, const std::string& name);

}  // namespace engine
