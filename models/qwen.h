#pragma once

#include "models/models.h"

namespace engine {

absl::StatusOr<DecoderConfig> ParseQwen2(ConfigReader& config);
absl::StatusOr<DecoderConfig> ParseQwen3(ConfigReader& config);

}  // namespace engine
