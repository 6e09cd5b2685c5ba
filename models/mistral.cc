// Mistral 7B and Nemo: llama whose layers may all see a sliding window.
#include "models/mistral.h"

#include "nlohmann/json.hpp"

namespace engine {

absl::StatusOr<DecoderConfig> ParseMistral(ConfigReader& config) {
  ASSIGN_OR_RETURN(DecoderConfig c, ParseDecoder(config));
  // The default of transformers is the window of the first Mistral 7B; later ones say null.
  constexpr int kDefaultWindow = 4096;
  const bool windowless = config.json().contains("sliding_window") && !config.Has("sliding_window");
  if (!windowless) c.windows.assign(c.layers, config.SizeOr("sliding_window", kDefaultWindow));
  RETURN_IF_ERROR(config.status());
  return c;
}

}  // namespace engine
