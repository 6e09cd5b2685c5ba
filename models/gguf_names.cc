#include "models/gguf_names.h"

#include <span>

#include "core/base/json.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

struct NamePair {
  std::string_view hugging_face;
  std::string_view gguf;
};

constexpr NamePair kModelTensors[] = {
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
};

constexpr NamePair kLayerTensors[] = {
    {"input_layernorm", "attn_norm"},    {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},      {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

constexpr NamePair kArchitectures[] = {
    {"LlamaForCausalLM", "llama"},
    {"Qwen2ForCausalLM", "qwen2"},
    {"Qwen3ForCausalLM", "qwen3"},
};

// Keys below "{architecture}.".
constexpr NamePair kConfigKeys[] = {
    {"num_hidden_layers", "block_count"},
    {"hidden_size", "embedding_length"},
    {"intermediate_size", "feed_forward_length"},
    {"num_attention_heads", "attention.head_count"},
    {"num_key_value_heads", "attention.head_count_kv"},
    {"head_dim", "attention.key_length"},
    {"max_position_embeddings", "context_length"},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    {"rope_theta", "rope.freq_base"},
};

std::string_view Lookup(std::span<const NamePair> pairs, std::string_view hugging_face) {
  for (const NamePair& pair : pairs) {
    if (pair.hugging_face == hugging_face) return pair.gguf;
  }
  return {};
}

// Splits "model.layers.3.rest" into "3" and "rest"; false for other names.
bool SplitLayer(std::string_view name, std::string_view& layer, std::string_view& rest) {
  constexpr std::string_view kPrefix = "model.layers.";
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  layer = name.substr(0, dot);
  rest = name.substr(dot + 1);
  return true;
}

// The value of a key below `prefix`, or of what older files call it; null where neither is there.
Json Find(const Json& metadata, const std::string& prefix, std::string_view key, std::string_view older = "") {
  for (const std::string_view name : {key, older}) {
    const auto found = metadata.find(prefix + std::string(name));
    if (found != metadata.end()) return *found;
  }
  return nullptr;
}

// As llama.cpp reads it: linear where no type is stated, and nothing where the factor is 0 or 1. What it says is checked
// where the configuration is parsed.
absl::Status CopyScaling(const Json& metadata, const std::string& prefix, Json& config) {
  Json type = Find(metadata, prefix, "rope.scaling.type");
  if (type.is_null()) type = "linear";
  if (type == "none") return absl::OkStatus();
  if (type == "longrope") return Unimplemented("rope scaling \"longrope\" is not supported");
  const Json factor = Find(metadata, prefix, "rope.scaling.factor", "rope.scale_linear");
  Json scaling = {{"rope_type", type}};
  if (!factor.is_null()) scaling["factor"] = factor;
  constexpr NamePair kScalingKeys[] = {{"original_max_position_embeddings", "rope.scaling.original_context_length"},
                                       {"beta_fast", "rope.scaling.yarn_beta_fast"},
                                       {"beta_slow", "rope.scaling.yarn_beta_slow"}};
  for (const NamePair& pair : kScalingKeys) {
    const Json found = Find(metadata, prefix, pair.gguf);
    if (!found.is_null()) scaling[std::string(pair.hugging_face)] = found;
  }
  // Each of these changes the magnitude or the blend in a way of GGUF's own, unless it has this value.
  constexpr std::pair<std::string_view, double> kNeutral[] = {{"rope.scaling.attn_factor", 1},
                                                              {"rope.scaling.yarn_attn_factor", 1},
                                                              {"rope.scaling.yarn_ext_factor", 1},
                                                              {"rope.scaling.yarn_log_multiplier", 0}};
  for (const auto& [key, value] : kNeutral) {
    const Json found = Find(metadata, prefix, key);
    if (found.is_null() || found == value) continue;
    return Unimplemented("%s%s is %s; only %g is supported", prefix, key, JsonText(found), value);
  }
  const bool scales = factor.is_null() ? type != "linear" : factor != 0 && factor != 1;
  if (scales) config["rope_scaling"] = std::move(scaling);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> GgufTensorName(std::string_view name) {
  const size_t dot = name.rfind('.');
  const std::string_view suffix = dot == std::string_view::npos ? std::string_view() : name.substr(dot);
  const std::string_view stem = name.substr(0, dot);
  std::string_view layer, rest;
  if (SplitLayer(stem, layer, rest)) {
    if (const std::string_view gguf = Lookup(kLayerTensors, rest); !gguf.empty()) {
      return absl::StrFormat("blk.%s.%s%s", layer, gguf, suffix);
    }
  } else if (const std::string_view gguf = Lookup(kModelTensors, stem); !gguf.empty()) {
    return absl::StrFormat("%s%s", gguf, suffix);
  }
  return NotFound("GGUF has no name for tensor %s", name);
}

absl::StatusOr<Json> ConfigFromGguf(const Json& metadata, int64_t vocab, bool has_head) {
  const auto type = metadata.find("general.architecture");
  if (type == metadata.end() || !type->is_string()) return InvalidArgument("general.architecture is missing");
  const std::string name = type->get<std::string>();
  Json config = Json::object();
  config["architectures"] = Json::array({name});  // as it is, so that an unknown one is named in the error
  for (const NamePair& pair : kArchitectures) {
    if (pair.gguf == name) config["architectures"] = Json::array({pair.hugging_face});
  }
  const std::string prefix = name + ".";
  for (const NamePair& pair : kConfigKeys) {
    const auto found = metadata.find(prefix + std::string(pair.gguf));
    if (found != metadata.end()) config[std::string(pair.hugging_face)] = *found;
  }
  const auto rotary = metadata.find(prefix + "rope.dimension_count");
  const auto head_dim = config.find("head_dim");
  if (rotary != metadata.end() && rotary->is_number() && head_dim != config.end() && head_dim->is_number() &&
      head_dim->get<double>() > 0) {
    config["partial_rotary_factor"] = rotary->get<double>() / head_dim->get<double>();
  }
  config["vocab_size"] = vocab;
  config["tie_word_embeddings"] = !has_head;
  config["attention_bias"] = false;  // GGUF does not say: biases are where the file has them
  RETURN_IF_ERROR(CopyScaling(metadata, prefix, config));
  return config;
}

}  // namespace engine
