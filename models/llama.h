#pragma once

#include "models/models.h"

namespace engine {

absl::StatusOr<DecoderConfig> ParseLlama(ConfigReader& config);
// The layer that most dense decoders share; biases and per-head norms follow from what the checkpoint holds.
void BuildLlama(DecoderBuilder& b, const DecoderConfig& config);

}  // namespace engine
