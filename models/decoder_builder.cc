#include "models/decoder_builder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/add.h"
#include "ops/add_rms_norm.h"
#include "ops/all_gather.h"
#include "ops/embedding.h"
#include "ops/gated_mlp.h"
#include "ops/gather_rows.h"
#include "ops/kv_layout.h"
#include "ops/kv_write.h"
#include "ops/linear.h"
#include "ops/paged_attention.h"
#include "ops/qk_norm_rope.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/sample.h"
#include "ops/silu_mul.h"

namespace engine {
namespace {

constexpr char kEmbeddingName[] = "model.embed_tokens.weight";
constexpr char kFinalNorm[] = "model.norm";

// Devices beyond the number of KV heads share one with their neighbours.
int KvHeadsOf(const DecoderConfig& config, int ranks) { return std::max(1, config.kv_heads / ranks); }

CacheSpec LayerCache(const DecoderConfig& config, int layer, DType kv_dtype, int ranks) {
  const int window = config.windows[layer];
  return {.kind = window > 0 ? CacheKind::kWindow : CacheKind::kPaged,
          .window = window,
          .kv_heads = KvHeadsOf(config, ranks),
          .head_dim = config.head_dim,
          .dtype = kv_dtype};
}

}  // namespace

DecoderBuilder::DecoderBuilder(const DecoderConfig& config, const WeightCatalog& catalog, const BuildOptions& options)
    : config_(config), catalog_(catalog), options_(options), weights_(catalog, graph_) {
  graph_.Fail(CheckSplits());
  if (!graph_.status().ok()) return;
  kv_dtype_ = ChooseKvDType();
  std::vector<CacheSpec> caches;
  for (int layer = 0; layer < config.layers; ++layer) {
    caches.push_back(LayerCache(config, layer, kv_dtype_, options.ranks));
  }
  auto groups = GroupCaches(caches);
  if (!groups.ok()) {
    graph_.Fail(groups.status());
    return;
  }
  groups_ = *std::move(groups);
  group_of_layer_.resize(config.layers);
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const int layer : groups_[g].layers) group_of_layer_[layer] = static_cast<int>(g);
  }
  AddInputs();
}

absl::Status DecoderBuilder::CheckSplits() const {
  const DecoderConfig& c = config_;
  const int ranks = options_.ranks;
  const std::pair<const char*, int> divided[] = {
      {"attention heads", c.heads}, {"hidden values", c.hidden}, {"intermediate values", c.intermediate}};
  for (const auto& [what, count] : divided) {
    if (count % ranks == 0) continue;
    return InvalidArgument("tensor_parallel_size is %d, which does not divide the model's %d %s", ranks, count, what);
  }
  if (c.kv_heads % ranks == 0 || ranks % c.kv_heads == 0) return absl::OkStatus();
  return InvalidArgument("tensor_parallel_size is %d; it must divide the model's %d KV heads or be a multiple of them",
                         ranks, c.kv_heads);
}

// K and V are as precise as the checkpoint's own products: f32 stays f32, everything else is stored as bf16.
DType DecoderBuilder::ChooseKvDType() {
  if (options_.kv_dtype) return *options_.kv_dtype;
  const auto projection = catalog_.Require("model.layers.0.self_attn.k_proj.weight");
  if (!projection.ok()) graph_.Fail(projection.status());
  return projection.ok() && (*projection)->dtype == DType::kF32 ? DType::kF32 : DType::kBF16;
}

void DecoderBuilder::AddInputs() {
  tokens_ = graph_.StepInput("tokens", {DType::kI32, {kTokens}});
  positions_ = graph_.StepInput("positions", {DType::kI32, {kTokens}});
  query_start_ = graph_.StepInput("query_start", {DType::kI32, {kSequences}});
  query_length_ = graph_.StepInput("query_length", {DType::kI32, {kSequences}});
  context_length_ = graph_.StepInput("context_length", {DType::kI32, {kSequences}});
  sampled_rows_ = graph_.StepInput("sampled_rows", {DType::kI32, {kSampled}});
  sampled_ids_ = graph_.Output("sampled_ids", {DType::kI32, {kSampled}});

  RopeConfig rope = config_.rope;
  if (const SourceTensor* divisors = catalog_.FindGguf("rope_freqs.weight"); divisors != nullptr) {
    const size_t count = rope.rotary_dim / 2;
    const size_t bytes = count * sizeof(float);
    // Packed, its bytes would be those of a layout, whatever its shape says.
    if (divisors->packed || divisors->dtype != DType::kF32 || divisors->data.size() != bytes) {
      graph_.Fail(InvalidArgument("rope_freqs.weight must hold %d f32 values, not packed", count));
      return;
    }
    rope.divisors.resize(count);
    std::memcpy(rope.divisors.data(), divisors->data.data(), bytes);
  }
  rope_table_ =
      weights_.Computed("rope_table", options_.max_model_len, rope.rotary_dim,
                        [rope](int64_t first, std::span<float> rows) { ComputeRopeTable(rope, first, rows); });
}

ValueId DecoderBuilder::Gathered(ValueId slice) {
  return options_.ranks == 1 ? slice : graph_.Add(AllGather{.ranks = options_.ranks}, {slice});
}

ValueId DecoderBuilder::GroupInput(const char* name, int group, TensorSpec spec) {
  const std::string full_name = absl::StrFormat("%s.%d", name, group);
  for (const auto& [known, id] : group_inputs_) {
    if (known == full_name) return id;
  }
  group_inputs_.emplace_back(full_name, graph_.StepInput(full_name, spec));
  return group_inputs_.back().second;
}

ValueId DecoderBuilder::Embed() {
  const ValueId table = weights_.Matrix(kEmbeddingName, {config_.vocab}, config_.hidden);
  if (NeedRowScales(graph_.spec(table).dtype)) {
    graph_.Fail(
        Unimplemented("tensor %s is int8 with a scale per row; an embedding must be f32, f16 or bf16", kEmbeddingName));
  }
  return graph_.Add(Embedding{}, {tokens_, table, sampled_ids_});
}

ValueId DecoderBuilder::Norm(ValueId x, const std::string& name) {
  const auto epsilon = static_cast<float>(config_.norm_epsilon);
  return graph_.Add(RmsNorm{.epsilon = epsilon}, {x, weights_.Vector(name + ".weight", {config_.hidden})});
}

std::pair<ValueId, ValueId> DecoderBuilder::AddNorm(ValueId residual, ValueId delta, const std::string& name) {
  const auto epsilon = static_cast<float>(config_.norm_epsilon);
  const std::vector<ValueId> out = graph_.AddAll(
      AddRmsNorm{.epsilon = epsilon}, {residual, delta, weights_.Vector(name + ".weight", {config_.hidden})});
  return {out[0], out[1]};
}

ValueId DecoderBuilder::Projection(ValueId x, const std::string& name, const Rows& rows, int64_t k, bool needs_bias) {
  const ValueId weight = weights_.Matrix(name + ".weight", rows, k);
  const bool bias = needs_bias || catalog_.Find(name + ".bias") != nullptr;
  std::vector<ValueId> in = weights_.ProductInputs(x, weight, name, rows);
  if (bias) in.push_back(weights_.Vector(name + ".bias", rows));
  return graph_.Add(engine::Linear{.input = InputFor(graph_.spec(weight).dtype), .bias = bias}, std::move(in));
}

ValueId DecoderBuilder::GatedMlp(ValueId x, const std::string& name) {
  const Rows rows{.n = config_.intermediate, .slices = options_.ranks};
  const int64_t k = config_.hidden;
  const auto stored = [&](const char* part) { return catalog_.Find(name + part + ".weight"); };
  const SourceTensor* gate = stored(".gate_proj");
  const SourceTensor* up = stored(".up_proj");
  const bool fused = gate != nullptr && up != nullptr && gate->dtype == up->dtype && !config_.mlp_biases &&
                     catalog_.Find(name + ".gate_proj.bias") == nullptr &&
                     catalog_.Find(name + ".up_proj.bias") == nullptr;
  ValueId product;
  if (fused) {
    const ValueId gate_weight = weights_.Matrix(name + ".gate_proj.weight", rows, k);
    const ValueId up_weight = weights_.Matrix(name + ".up_proj.weight", rows, k);
    std::vector<ValueId> in = {x, gate_weight, up_weight};
    if (NeedRowScales(gate->dtype))
      in.insert(in.end(), {weights_.RowScales(name + ".gate_proj", rows), weights_.RowScales(name + ".up_proj", rows)});
    product = graph_.Add(engine::GatedMlp{.input = InputFor(gate->dtype)}, std::move(in));
  } else {
    const ValueId gate_value = Projection(x, name + ".gate_proj", rows, k, config_.mlp_biases);
    const ValueId up_value = Projection(x, name + ".up_proj", rows, k, config_.mlp_biases);
    product = graph_.Add(SiluMul{}, {gate_value, up_value});
  }
  const Rows down{.n = config_.hidden, .slices = options_.ranks};
  return Gathered(Projection(Gathered(product), name + ".down_proj", down, config_.intermediate, config_.mlp_biases));
}

ValueId DecoderBuilder::Rotate(ValueId x, const std::string& norm_name, int heads) {
  const int head_dim = config_.head_dim;
  if (!config_.qk_norms && catalog_.Find(norm_name + ".weight") == nullptr) {
    return graph_.Add(Rope{.heads = heads,
                           .head_dim = head_dim,
                           .rotary_dim = config_.rope.rotary_dim,
                           .out = KvOperandDType(kv_dtype_)},
                      {x, positions_, rope_table_});
  }
  return graph_.Add(QkNormRope{.heads = heads,
                               .head_dim = head_dim,
                               .rotary_dim = config_.rope.rotary_dim,
                               .epsilon = static_cast<float>(config_.norm_epsilon),
                               .out = KvOperandDType(kv_dtype_)},
                    {x, positions_, rope_table_, weights_.Vector(norm_name + ".weight", {head_dim})});
}

ValueId DecoderBuilder::Attention(ValueId x, int layer, const std::string& name) {
  const DecoderConfig& c = config_;
  const int64_t q_size = int64_t{c.heads} * c.head_dim;
  const int64_t kv_size = int64_t{c.kv_heads} * c.head_dim;
  // llama in GGUF has the rows of q and k interleaved for pairs (2i, 2i + 1); ours rotate (i, i + half).
  const bool interleaved = catalog_.is_gguf() && c.architecture == "LlamaForCausalLM";
  const int64_t head_rows = interleaved ? c.head_dim : 0;
  const int ranks = options_.ranks;
  const int heads = c.heads / ranks;
  const int kv_heads = KvHeadsOf(c, ranks);
  const int kv_slices = c.kv_heads / kv_heads;
  ValueId q = Projection(x, name + ".q_proj", {q_size, ranks, head_rows}, c.hidden, c.qkv_biases);
  ValueId k = Projection(x, name + ".k_proj", {kv_size, kv_slices, head_rows}, c.hidden, c.qkv_biases);
  const ValueId v = Projection(x, name + ".v_proj", {kv_size, kv_slices}, c.hidden, c.qkv_biases);
  q = Rotate(q, name + ".q_norm", heads);
  k = Rotate(k, name + ".k_norm", kv_heads);
  if (!graph_.status().ok()) return q;

  const int group = group_of_layer_[layer];
  const ValueId cache = graph_.Cache(absl::StrFormat("cache.%d", layer), KvCacheSpec(kv_dtype_, kv_heads, c.head_dim));
  const ValueId slots = GroupInput("slots", group, {DType::kI32, {kTokens}});
  const ValueId table =
      GroupInput("block_table", group, {DType::kI32, {kSequences, BlocksForTokens(options_.max_model_len)}});
  graph_.AddInto(KvWrite{.kv_heads = kv_heads, .head_dim = c.head_dim}, {k, v, slots, cache}, {});
  const ValueId attention = graph_.Add(PagedAttention{.heads = heads,
                                                      .kv_heads = kv_heads,
                                                      .head_dim = c.head_dim,
                                                      .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
                                                      .window = c.windows[layer]},
                                       {q, cache, table, query_start_, query_length_, context_length_});
  return Gathered(Projection(Gathered(attention), name + ".o_proj", {c.hidden, ranks}, q_size, c.output_bias));
}

ValueId DecoderBuilder::HiddenStates(ValueId residual, ValueId delta) {
  const ValueId sum = graph_.Add(Add{}, {residual, delta});
  const ValueId hidden = graph_.Output("hidden_states", {DType::kF32, {kTokens, config_.hidden}});
  graph_.AddInto(RmsNorm{.epsilon = static_cast<float>(config_.norm_epsilon)},
                 {sum, weights_.Vector(std::string(kFinalNorm) + ".weight", {config_.hidden})}, {hidden});
  return hidden;
}

void DecoderBuilder::Head(ValueId residual, ValueId delta) {
  const auto gather = [this](ValueId rows) { return graph_.Add(GatherRows{}, {rows, sampled_rows_}); };
  const ValueId x = options_.hidden_states ? gather(HiddenStates(residual, delta))
                                           : AddNorm(gather(residual), gather(delta), kFinalNorm).second;
  const bool tied = config_.tied_embeddings;
  // In slices, a tied table is stored whole for the embedding and as a slice for the head.
  const Rows table_rows{.n = config_.vocab, .slices = config_.vocab % options_.ranks == 0 ? options_.ranks : 1};
  const std::string name = tied && table_rows.slices == 1 ? kEmbeddingName : "lm_head.weight";
  const ValueId table = weights_.Matrix(name, table_rows, config_.hidden, tied ? kEmbeddingName : "");
  const ValueId logits = graph_.Output("logits", {DType::kF32, {kSampled, config_.vocab}});
  const engine::Linear product{.input = InputFor(graph_.spec(table).dtype)};
  std::vector<ValueId> in = weights_.ProductInputs(x, table, "lm_head", table_rows);
  if (table_rows.slices == 1) {
    graph_.AddInto(product, std::move(in), {logits});
  } else {
    graph_.AddInto(AllGather{.ranks = table_rows.slices}, {graph_.Add(product, std::move(in))}, {logits});
  }

  const ValueId rows = graph_.StepInput("sampling_rows", {DType::kU8, {kSampled, sizeof(SamplingRow)}});
  const ValueId adjustments =
      graph_.StepInput("adjustments", {DType::kU8, {options_.max_adjustments, sizeof(TokenAdjustment)}});
  const ValueId samples = graph_.Output("samples", {DType::kU8, {kSampled, sizeof(SampledToken)}});
  const int vocab = options_.vocab > 0 ? std::min(options_.vocab, config_.vocab) : config_.vocab;
  const auto mask_bytes = static_cast<int64_t>(TokenMaskWords(vocab) * sizeof(uint32_t));
  const ValueId masks = graph_.StepInput("token_masks", {DType::kU8, {kSampled, mask_bytes}});
  graph_.AddInto(Sample{.vocab = vocab}, {logits, rows, adjustments, masks}, {sampled_ids_, samples});
}

absl::StatusOr<BuiltModel> DecoderBuilder::Finish() && {
  BuiltModel model{.config = config_, .weights = std::move(weights_).Take(), .cache_groups = std::move(groups_)};
  ASSIGN_OR_RETURN(model.graph, std::move(graph_).Finish());
  return model;
}

}  // namespace engine
