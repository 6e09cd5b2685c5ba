#include "models/decoder_config.h"

#include <algorithm>
#include <limits>

#include "nlohmann/json.hpp"

namespace engine {
namespace {

constexpr double kMostPositions = std::numeric_limits<int>::max();

absl::Status CheckShapes(const DecoderConfig& c, const std::string& what) {
  if (c.heads % c.kv_heads != 0) {
    return InvalidArgument(
        "%s: num_attention_heads is %d and num_key_value_heads %d; the first must be a multiple of "
        "the second",
        what, c.heads, c.kv_heads);
  }
  if (c.head_dim % 2 != 0) return Unimplemented("%s: head_dim is %d; it must be even", what, c.head_dim);
  // Far beyond every published model, and small enough that no size computed from them overflows.
  if (c.layers > 1024 || c.hidden > (1 << 20) || c.intermediate > (1 << 22) || c.vocab > (1 << 24) ||
      int64_t{c.heads} * c.head_dim > (1 << 22)) {
    return InvalidArgument("%s: %d layers of %d x %d with a vocabulary of %d is no plausible model", what, c.layers,
                           c.hidden, c.intermediate, c.vocab);
  }
  return absl::OkStatus();
}

// transformers 5 says per layer what it sees; without layer_types every layer sees everything.
void ParseLayerTypes(ConfigReader& config, DecoderConfig& c) {
  c.windows.assign(c.layers, 0);
  if (!config.Has("layer_types")) return;
  const auto& types = config.json()["layer_types"];
  if (!types.is_array() || static_cast<int>(types.size()) != c.layers) {
    config.Fail(InvalidArgument("%s: layer_types must name each of the %d layers", config.what(), c.layers));
    return;
  }
  for (int layer = 0; layer < c.layers; ++layer) {
    const bool sliding = types[layer] == "sliding_attention";
    if (sliding) c.windows[layer] = config.Size("sliding_window");
    if (!sliding && types[layer] != "full_attention") {
      config.Fail(Unimplemented("%s: layer %d is neither full_attention nor sliding_attention", config.what(), layer));
    }
  }
}

}  // namespace

absl::StatusOr<DecoderConfig> ParseDecoder(ConfigReader& config) {
  DecoderConfig c;
  c.layers = config.Size("num_hidden_layers");
  c.hidden = config.Size("hidden_size");
  c.intermediate = config.Size("intermediate_size");
  c.heads = config.Size("num_attention_heads");
  c.kv_heads = config.SizeOr("num_key_value_heads", c.heads);
  c.vocab = config.Size("vocab_size");
  c.max_position = config.SizeOr("max_position_embeddings", 2048);
  c.norm_epsilon = config.NumberOr("rms_norm_eps", 1e-6);
  c.tied_embeddings = config.FlagOr("tie_word_embeddings", false);
  if (const std::string act = config.TextOr("hidden_act", "silu"); act != "silu") {
    config.Fail(Unimplemented("%s: hidden_act is \"%s\"; silu is supported", config.what(), act));
  }
  if (!config.Has("head_dim") && c.hidden % c.heads != 0) {
    config.Fail(
        InvalidArgument("%s: hidden_size %d is not a multiple of num_attention_heads %d, and head_dim is missing",
                        config.what(), c.hidden, c.heads));
  }
  c.head_dim = config.SizeOr("head_dim", c.hidden / c.heads);
  RETURN_IF_ERROR(config.status());
  RETURN_IF_ERROR(CheckShapes(c, config.what()));
  ParseLayerTypes(config, c);
  RETURN_IF_ERROR(config.status());
  ASSIGN_OR_RETURN(c.rope, ParseRope(config, c.head_dim));
  // Model cards turn yarn on without a word to max_position_embeddings.
  if (c.rope.reach > c.max_position) c.max_position = static_cast<int>(std::min(c.rope.reach, kMostPositions));
  return c;
}

}  // namespace engine
