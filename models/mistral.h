#pragma once

#include "models/models.h"

namespace engine {

absl::StatusOr<DecoderConfig> ParseMistral(ConfigReader& config);

}  // namespace engine
