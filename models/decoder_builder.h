// The blocks of a decoder: what a model file is written in. Each adds ops to the graph and notes the weights it needs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/builder.h"
#include "core/kv/cache_spec.h"
#include "core/weights/weight_spec.h"
#include "models/decoder_config.h"
#include "models/graph_weights.h"
#include "models/weight_catalog.h"

namespace engine {

struct BuildOptions {
  int max_model_len = 0;          // positions in the RoPE table, and width of the block tables
  std::optional<DType> kv_dtype;  // default: f32 for f32 checkpoints, else bf16
  int64_t max_adjustments = 0;    // sampling adjustments of one step
  int vocab = 0;                  // ids the tokenizer has; 0: as many as the embedding table has rows
  int ranks = 1;                  // devices that each have a part of every product (docs/gpu.md)
  bool hidden_states = false;     // an output beside the logits: what the head would read of each token, in f32
};

struct BuiltModel {
  DecoderConfig config;
  Graph graph;
  std::vector<WeightSpec> weights;
  std::vector<CacheGroup> cache_groups;
};

class DecoderBuilder {
 public:
  // Borrows all three.
  DecoderBuilder(const DecoderConfig& config, const WeightCatalog& catalog, const BuildOptions& options);
  DecoderBuilder(const DecoderBuilder&) = delete;
  DecoderBuilder& operator=(const DecoderBuilder&) = delete;

  ValueId Embed();
  ValueId Norm(ValueId x, const std::string& name);
  // residual + delta, and its norm.
  std::pair<ValueId, ValueId> AddNorm(ValueId residual, ValueId delta, const std::string& name);
  // down(silu(gate x) * up x)
  ValueId GatedMlp(ValueId x, const std::string& name);
  // Projections, rotation, cache and attention of one layer, up to o_proj. The q_norm and k_norm of `name` are applied
  // per head where the configuration asks for them or the checkpoint has them.
  ValueId Attention(ValueId x, int layer, const std::string& name);
  // What the head reads, kept for the host.
  ValueId HiddenStates(ValueId residual, ValueId delta);
  // Norm, head and sampling of the rows that need it.
  void Head(ValueId residual, ValueId delta);

  absl::StatusOr<BuiltModel> Finish() &&;

 private:
  using Rows = GraphWeights::Rows;

  // With a bias where it needs one or the checkpoint has one.
  ValueId Projection(ValueId x, const std::string& name, const Rows& rows, int64_t k, bool needs_bias);
  // The slices of all devices side by side.
  ValueId Gathered(ValueId slice);
  absl::Status CheckSplits() const;
  ValueId Rotate(ValueId x, const std::string& norm_name, int heads);
  ValueId GroupInput(const char* name, int group, TensorSpec spec);
  DType ChooseKvDType();
  void AddInputs();

  const DecoderConfig& config_;
  const WeightCatalog& catalog_;
  const BuildOptions& options_;
  GraphBuilder graph_;
  GraphWeights weights_;                                       // declares them in graph_
  std::vector<std::pair<std::string, ValueId>> group_inputs_;  // made so far
  std::vector<CacheGroup> groups_;
  std::vector<int> group_of_layer_;
  DType kv_dtype_ = DType::kBF16;
  ValueId tokens_ = 0, positions_ = 0, query_start_ = 0, query_length_ = 0, context_length_ = 0, rope_table_ = 0;
  ValueId sampled_rows_ = 0, sampled_ids_ = 0;
};

}  // namespace engine
