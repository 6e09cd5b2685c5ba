#pragma once

#include "models/models.h"

namespace engine {

// Qwen2 and Qwen3, which differ in tensors (biases; per-head norms) and not in configuration.
absl::StatusOr<DecoderConfig> ParseQwen(ConfigReader& config);

}  // namespace engine
