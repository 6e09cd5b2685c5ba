// GGUF checkpoints under the names that Hugging Face gives the same things, so that a model is written once.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "nlohmann/json_fwd.hpp"

namespace engine {

// "blk.3.attn_q.weight" for "model.layers.3.self_attn.q_proj.weight". NotFound names a tensor that GGUF has no name
// for.
absl::StatusOr<std::string> GgufTensorName(std::string_view hugging_face_name);

// A config.json with the fields of `metadata` ("llama.block_count" becomes num_hidden_layers), `architectures`
// included. `vocab` is the number of rows of the embedding table, which GGUF does not always state.
absl::StatusOr<nlohmann::ordered_json> ConfigFromGguf(const nlohmann::ordered_json& metadata, int64_t vocab,
                                                      bool has_head);

}  // namespace engine
