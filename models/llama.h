#pragma once

#include "models/models.h"

namespace engine {

absl::StatusOr<DecoderConfig> ParseLlama(ConfigReader& config);
// The layer that most dense decoders share; biases and per-head norms are where the configuration asks for them or the
// checkpoint has them.
void BuildLlama(DecoderBuilder& b, const DecoderConfig& config);

}  // namespace engine
