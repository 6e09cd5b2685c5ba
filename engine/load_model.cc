#include "engine/load_model.h"

#include <algorithm>
#include <limits>

#include "core/graph/compile.h"
#include "ops/quantise.h"

namespace engine {
namespace {

// Blocks of each group's pool: what max_num_seqs full contexts can own at once, scaled down together to fit the budget.
// One full context must always fit, or max_model_len could not be reached.
absl::StatusOr<std::vector<int>> PlanBlocks(const std::vector<CacheGroup>& groups, const ModelOptions& options,
                                            int64_t memory_bytes) {
  const SchedulerConfig& limits = options.limits;
  int64_t wanted_bytes = 0;
  int64_t least_bytes = 0;
  std::vector<int64_t> per_sequence;
  per_sequence.reserve(groups.size());
  for (const CacheGroup& group : groups) {
    per_sequence.push_back(PeakBlocks(group.spec, limits.max_model_len, limits.max_num_batched_tokens));
    least_bytes += per_sequence.back() * BlockBytes(group);
    wanted_bytes += per_sequence.back() * limits.max_num_seqs * BlockBytes(group);
  }
  const int64_t budget = options.kv_cache_bytes > 0 ? options.kv_cache_bytes : std::min(wanted_bytes, memory_bytes / 4);
  if (budget < least_bytes) {
    return ResourceExhausted(
        "the KV cache may take %d bytes, and one context of %d tokens needs %d; lower --max-model-len or raise "
        "--kv-cache-bytes",
        budget, limits.max_model_len, least_bytes);
  }
  const double share = std::min(1.0, static_cast<double>(budget) / static_cast<double>(wanted_bytes));
  std::vector<int> blocks;
  blocks.reserve(groups.size());
  for (const int64_t one : per_sequence) {
    blocks.push_back(static_cast<int>(std::max<int64_t>(one, static_cast<int64_t>(one * limits.max_num_seqs * share))));
  }
  return blocks;
}

// Weights in their layouts, and everything a step touches.
int64_t ProgramBytes(const Program& program, const KernelRegistry& registry, const DeviceInfo& device) {
  int64_t bytes = program.arena_bytes + program.scratch_bytes;
  for (const Value& value : program.graph.values) {
    if (value.kind == ValueKind::kStepInput || value.kind == ValueKind::kOutput) {
      bytes += MaxBytes(value.spec, program.limits);
    } else if (value.kind == ValueKind::kWeight) {
      const WeightLayout* layout = registry.FindLayout(device.kind, value.spec.layout);
      const bool is_matrix = value.spec.shape.rank() == 2;
      bytes +=
          layout->bytes(value.spec.dtype, is_matrix ? value.spec.shape[0] : 1, value.spec.shape[is_matrix ? 1 : 0]);
    }
  }
  return bytes;
}

// Refused before anything is allocated, instead of a process that is killed in the middle of a request.
absl::Status CheckMemory(const Program& program, const KernelRegistry& registry, const DeviceInfo& device,
                         int64_t memory_bytes, const LoadedModel& loaded) {
  const int64_t program_bytes = ProgramBytes(program, registry, device);
  int64_t cache_bytes = 0;
  for (size_t g = 0; g < loaded.cache_groups.size(); ++g) {
    cache_bytes += loaded.num_blocks[g] * BlockBytes(loaded.cache_groups[g]);
  }
  if (program_bytes + cache_bytes <= memory_bytes) return absl::OkStatus();
  return ResourceExhausted(
      "weights and steps need %d bytes and the KV cache %d; %s has %d: use a smaller model, --max-model-len, "
      "--max-num-seqs or --max-num-batched-tokens",
      program_bytes, cache_bytes, device.name, memory_bytes);
}

}  // namespace

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
                      .vocab = vocab};
}

absl::StatusOr<Program> CompileModel(const BuiltModel& model, const KernelRegistry& registry, const DeviceInfo& device,
                                     const ModelOptions& options) {
  return Compile(model.graph, registry, device,
                 {.level = options.numerics,
                  .limits = {.max_tokens = options.limits.max_num_batched_tokens,
                             .max_sequences = options.limits.max_num_seqs,
                             .max_sampled = options.limits.max_sampled},
                  .convert = Convert});
}

absl::StatusOr<LoadedModel> LoadModel(const Checkpoint& checkpoint, const WeightCatalog& catalog,
                                      const DecoderConfig& config, const KernelRegistry& registry, Device& device,
                                      const ModelOptions& options) {
  ASSIGN_OR_RETURN(const BuildOptions graph_options, GraphOptions(config, options));
  ASSIGN_OR_RETURN(const BuiltModel model, BuildModel(config, catalog, graph_options));
  ASSIGN_OR_RETURN(Program program, CompileModel(model, registry, device.info(), options));
  LoadedModel loaded{.cache_groups = model.cache_groups, .vocab = graph_options.vocab};
  const int64_t memory_bytes = device.info().memory_bytes - options.reserved_bytes;
  ASSIGN_OR_RETURN(loaded.num_blocks, PlanBlocks(model.cache_groups, options, memory_bytes));
  RETURN_IF_ERROR(CheckMemory(program, registry, device.info(), memory_bytes, loaded));
  ASSIGN_OR_RETURN(WeightStore weights,
                   WeightStore::Load(checkpoint, model.weights, program.graph, registry, device, options.progress));
  if (weights.repacked_bytes() > 0 && options.warn) {
    options.warn(
        absl::StrFormat("%s: %d bytes of weights are packed for other kernels than those chosen here and were "
                        "packed again; `engine pack` on this machine makes a file that loads at once",
                        checkpoint.path(), weights.repacked_bytes()));
  }
  std::vector<Stage> stages;
  stages.push_back({std::move(program), model.cache_groups, loaded.num_blocks});
  ASSIGN_OR_RETURN(loaded.runner, Runner::Create(device, std::move(stages), std::move(weights), loaded.vocab));
  return loaded;
}

}  // namespace engine
