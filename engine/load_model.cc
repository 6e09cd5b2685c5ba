#include "engine/load_model.h"

#include <algorithm>
#include <limits>

#include "core/graph/compile.h"
#include "ops/quantise.h"

namespace engine {

namespace {

absl::StatusOr<BuildOptions> GraphOptions(const DecoderConfig& config, const ModelOptions& options) {
  const int vocab = options.vocab > 0 ? std::min(options.vocab, config.vocab) : config.vocab;
  const SchedulerConfig& limits = options.limits;
  const int64_t per_row = MaxAdjustmentsPerRow(vocab, limits);
  constexpr int64_t kMostAdjustments = std::numeric_limits<int32_t>::max();  // SamplingRow counts them so
  if (limits.max_sampled > kMostAdjustments / per_row) {
    return InvalidArgument("a step would sample %d tokens at once, and this model allows %d; lower --max-num-seqs",
                           limits.max_sampled, kMostAdjustments / per_row);
  }
  return BuildOptions{.max_model_len = limits.max_model_len,
                      .kv_dtype = options.kv_dtype,
                      .max_adjustments = static_cast<int>(limits.max_sampled * per_row),
                      .vocab = vocab,
                      .hidden_states = options.hidden_states};
}

}  // namespace

absl::StatusOr<CompiledModel> CompileModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                           const KernelRegistry& registry, const DeviceInfo& device,
                                           const ModelOptions& options) {
  ASSIGN_OR_RETURN(const BuildOptions graph_options, GraphOptions(config, options));
  ASSIGN_OR_RETURN(BuiltModel model, BuildModel(config, catalog, graph_options));
  ASSIGN_OR_RETURN(Program program, Compile(model.graph, registry, device,
                                            {.level = options.numerics,
                                             .limits = {.max_tokens = options.limits.max_num_batched_tokens,
                                                        .max_sequences = options.limits.max_num_seqs,
                                                        .max_sampled = options.limits.max_sampled},
                                             .convert = Convert}));
  return CompiledModel{std::move(model), std::move(program), graph_options.vocab};
}

absl::StatusOr<PlannedModel> PlanModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                       const KernelRegistry& registry, const DeviceInfo& device,
                                       const ModelOptions& options) {
  ASSIGN_OR_RETURN(CompiledModel compiled, CompileModel(config, catalog, registry, device, options));
  MemoryPlan memory = PlanMemory(compiled.program, compiled.model.cache_groups, registry, device, options);
  return PlannedModel{std::move(compiled), std::move(memory)};
}

absl::StatusOr<LoadedModel> LoadModel(const Checkpoint& checkpoint, PlannedModel planned,
                                      const KernelRegistry& registry, Device& device, const ModelOptions& options) {
  RETURN_IF_ERROR(planned.memory.fits);
  auto& [model, program, vocab] = planned.compiled;
  LoadedModel loaded{.cache_groups = model.cache_groups, .memory = std::move(planned.memory), .vocab = vocab};
  ASSIGN_OR_RETURN(WeightStore weights,
                   WeightStore::Load(checkpoint, model.weights, program.graph, registry, device, options.progress));
  if (weights.repacked_bytes() > 0 && options.warn) {
    options.warn(
        absl::StrFormat("%s: %d bytes of weights are packed for other kernels than those chosen here and were "
                        "packed again; `engine pack` on this machine makes a file that loads at once",
                        checkpoint.path(), weights.repacked_bytes()));
  }
  std::vector<Stage> stages;
  stages.push_back({std::move(program), model.cache_groups, loaded.memory.num_blocks});
  ASSIGN_OR_RETURN(loaded.runner, Runner::Create(device, std::move(stages), std::move(weights), loaded.vocab));
  return loaded;
}

}  // namespace engine
