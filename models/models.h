// The list of models. Adding one is a file and a line here (docs/adding_a_model.md).
#pragma once

#include <span>
#include <string_view>

#include "models/decoder_builder.h"

namespace engine {

struct ModelDefinition {
  std::string_view architecture;  // as config.json's `architectures` names it
  absl::StatusOr<DecoderConfig> (*parse)(ConfigReader& config);
  void (*build)(DecoderBuilder& builder, const DecoderConfig& config);
};

std::span<const ModelDefinition> Models();

// The configuration of the checkpoint, or which architecture is not supported and which are.
absl::StatusOr<DecoderConfig> ParseModel(const WeightCatalog& catalog);
absl::StatusOr<BuiltModel> BuildModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                      const BuildOptions& options);

}  // namespace engine
