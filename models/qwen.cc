// Qwen2, Qwen2.5, QwQ and Qwen3 (dense): llama with biases on q, k and v, or with per-head norms of q and k.
#include "models/qwen.h"

namespace engine {
namespace {

absl::StatusOr<DecoderConfig> ParseQwen(ConfigReader& config) {
  ASSIGN_OR_RETURN(DecoderConfig c, ParseDecoder(config));
  // Configurations without layer_types: the first max_window_layers see everything, the others a window. Published
  // models leave it switched off.
  if (!config.Has("layer_types") && config.FlagOr("use_sliding_window", false) && config.Has("sliding_window")) {
    const int window = config.Size("sliding_window");
    for (int layer = config.CountOr("max_window_layers", c.layers); layer < c.layers; ++layer) {
      c.windows[layer] = window;
    }
  }
  RETURN_IF_ERROR(config.status());
  return c;
}

}  // namespace

absl::StatusOr<DecoderConfig> ParseQwen2(ConfigReader& config) {
  ASSIGN_OR_RETURN(DecoderConfig c, ParseQwen(config));
  c.qkv_biases = config.FlagOr("attention_bias", true);
  RETURN_IF_ERROR(config.status());
  return c;
}

absl::StatusOr<DecoderConfig> ParseQwen3(ConfigReader& config) {
  ASSIGN_OR_RETURN(DecoderConfig c, ParseQwen(config));
  c.qk_norms = true;
  c.qkv_biases = c.output_bias = config.FlagOr("attention_bias", false);
  RETURN_IF_ERROR(config.status());
  return c;
}

}  // namespace engine
