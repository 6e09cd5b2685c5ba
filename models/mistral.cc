// Mistral 7B and Nemo: llama whose layers may all see a sliding window.
#include "models/mistral.h"

namespace engine {

absl::StatusOr<DecoderConfig> ParseMistral(ConfigReader& config) {
  ASSIGN_OR_RETURN(DecoderConfig c, ParseDecoder(config));
  if (config.Has("sliding_window")) c.windows.assign(c.layers, config.Size("sliding_window"));
  RETURN_IF_ERROR(config.status());
  return c;
}

}  // namespace engine
