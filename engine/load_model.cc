#include "engine/load_model.h"

#include <algorithm>
#include <limits>

#include "backends/backends.h"
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
                      .ranks = options.ranks,
                      .hidden_states = options.hidden_states};
}

// A quantised model promises the same bits on every instruction set: products with what it leaves unquantised, most often
// the head, may not add in the order of a library either.
Numerics LevelOf(const Graph& graph, const DeviceInfo& device, Numerics asked) {
  const bool quantised = std::ranges::any_of(graph.values, [](const Value& value) {
    return value.kind == ValueKind::kWeight && IsBlockQuantised(value.spec.dtype);
  });
  return quantised && device.kind == "cpu" && asked == Numerics::kInvariant ? Numerics::kExact : asked;
}

absl::StatusOr<Program> CompileGraph(const Graph& graph, const KernelRegistry& registry, const DeviceInfo& device,
                                     const ModelOptions& options) {
  return Compile(graph, registry, device,
                 {.level = LevelOf(graph, device, options.numerics),
                  .limits = {.max_tokens = options.limits.max_num_batched_tokens,
                             .max_sequences = options.limits.max_num_seqs,
                             .max_sampled = options.limits.max_sampled},
                  .convert = Convert});
}

// Of all ranks together, whose parts are about equal.
LoadProgress PartOf(const LoadProgress& progress, RankOf rank) {
  if (!progress || rank.ranks == 1) return progress;
  return [&progress, rank](int64_t done, int64_t total) { progress(rank.rank * total + done, rank.ranks * total); };
}

}  // namespace

absl::StatusOr<CompiledModel> CompileModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                           const KernelRegistry& registry, const DeviceInfo& device,
                                           const ModelOptions& options) {
  ASSIGN_OR_RETURN(const BuildOptions graph_options, GraphOptions(config, options));
  ASSIGN_OR_RETURN(BuiltModel model, BuildModel(config, catalog, graph_options));
  ASSIGN_OR_RETURN(Program program, CompileGraph(model.graph, registry, device, options));
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
                                      const KernelRegistry& registry, std::span<const std::shared_ptr<Device>> devices,
                                      const ModelOptions& options) {
  RETURN_IF_ERROR(planned.memory.fits);
  auto& [model, program, vocab] = planned.compiled;
  LoadedModel loaded{.cache_groups = model.cache_groups, .memory = std::move(planned.memory), .vocab = vocab};
  ASSIGN_OR_RETURN(std::vector<std::unique_ptr<Stream>> streams, CreateStreams(devices, SliceBytes(program)));
  std::vector<Program> programs;
  programs.push_back(std::move(program));
  for (const auto& device : devices.subspan(1)) {
    ASSIGN_OR_RETURN(programs.emplace_back(), CompileGraph(model.graph, registry, device->info(), options));
  }
  std::vector<RankParts> ranks;
  for (size_t r = 0; r < devices.size(); ++r) {
    Device& device = *devices[r];
    const RankOf rank{.rank = static_cast<int>(r), .ranks = static_cast<int>(devices.size())};
    const LoadProgress progress = PartOf(options.progress, rank);
    ASSIGN_OR_RETURN(WeightStore weights,
                     WeightStore::Load(checkpoint, model.weights, programs[r].graph, registry, device, progress, rank));
    if (weights.repacked_bytes() > 0 && options.warn) {
      options.warn(
          absl::StrFormat("%s: %d bytes of weights are packed for other kernels than those chosen here and were "
                          "packed again; `engine pack` on this machine makes a file that loads at once",
                          checkpoint.path(), weights.repacked_bytes()));
    }
    ranks.push_back({.device = device,
                     .stream = std::move(streams[r]),
                     .program = std::move(programs[r]),
                     .cache_groups = model.cache_groups,
                     .num_blocks = loaded.memory.num_blocks,
                     .least_blocks = loaded.memory.least_blocks,
                     .weights = std::move(weights)});
  }
  ASSIGN_OR_RETURN(loaded.runner, Runner::Create(std::move(ranks), loaded.vocab));
  return loaded;
}

absl::StatusOr<Scheduler> NewScheduler(const LoadedModel& model, const SchedulerConfig& limits,
                                       const std::function<void(const std::string&)>& warn) {
  return Scheduler::Create(limits, model.cache_groups, model.memory.num_blocks, BackBlocksOf(*model.runner, warn));
}

}  // namespace engine
