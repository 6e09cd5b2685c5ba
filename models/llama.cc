// Llama 2 and 3, SmolLM2, TinyLlama and their distillations: pre-norm, grouped-query attention, SwiGLU.
#include "models/llama.h"

namespace engine {

absl::StatusOr<DecoderConfig> ParseLlama(ConfigReader& config) {
  ASSIGN_OR_RETURN(DecoderConfig c, ParseDecoder(config));
  c.qkv_biases = c.output_bias = config.FlagOr("attention_bias", false);
  c.mlp_biases = config.FlagOr("mlp_bias", false);
  RETURN_IF_ERROR(config.status());
  return c;
}

void BuildLlama(DecoderBuilder& b, const DecoderConfig& config) {
  ValueId residual = b.Embed();
  ValueId delta = -1;
  for (int layer = 0; layer < config.layers; ++layer) {
    const std::string name = absl::StrFormat("model.layers.%d.", layer);
    ValueId x;
    if (layer == 0) {
      x = b.Norm(residual, name + "input_layernorm");
    } else {
      std::tie(residual, x) = b.AddNorm(residual, delta, name + "input_layernorm");
    }
    const ValueId attention = b.Attention(x, layer, name + "self_attn");
    std::tie(residual, x) = b.AddNorm(residual, attention, name + "post_attention_layernorm");
    delta = b.GatedMlp(x, name + "mlp");
  }
  b.Head(residual, delta);
}

}  // namespace engine
