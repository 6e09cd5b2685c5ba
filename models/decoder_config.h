// What a dense decoder's config.json says, in one struct for every architecture.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "models/rope_config.h"

namespace engine {

struct DecoderConfig {
  std::string architecture;  // "LlamaForCausalLM"
  int layers = 0;
  int hidden = 0;
  int intermediate = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int vocab = 0;         // rows of the embedding table; a tokenizer may use fewer
  int max_position = 0;  // the context the model was trained for, or that yarn stretches it to
  double norm_epsilon = 0;
  bool tied_embeddings = false;
  // What every layer must have; biases and norms that a checkpoint holds unasked are used too.
  bool qk_norms = false;
  bool qkv_biases = false;
  bool output_bias = false;
  bool mlp_biases = false;
  RopeConfig rope;
  std::vector<int> windows;  // per layer: tokens a query sees, 0 for all
};

// The fields that every architecture here has, checked for sense.
absl::StatusOr<DecoderConfig> ParseDecoder(ConfigReader& config);

}  // namespace engine
