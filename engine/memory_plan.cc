#include "engine/memory_plan.h"

#include <algorithm>
#include <limits>

#include "backends/backends.h"
#include "core/base/resident_memory.h"
#include "core/graph/program.h"
#include "engine/load_model.h"
#include "ops/all_gather.h"

namespace engine {
namespace {

int64_t WeightBytes(const TensorSpec& spec, const KernelRegistry& registry, const DeviceInfo& device) {
  const WeightLayout* layout = registry.FindLayout(device.kind, spec.layout);
  const bool is_matrix = spec.shape.rank() == 2;
  return layout->bytes(spec.dtype, is_matrix ? spec.shape[0] : 1, spec.shape[is_matrix ? 1 : 0]);
}

// Everything but the cache.
MemoryPlan PlanProgram(const Program& program, const KernelRegistry& registry, const DeviceInfo& device) {
  MemoryPlan plan{.activation_bytes = program.arena_bytes,
                  .workspace_bytes = program.scratch_bytes,
                  .step_bytes = GatherBytes(SliceBytes(program))};
  for (const Value& value : program.graph.values) {
    if (value.kind == ValueKind::kWeight) plan.weight_bytes += WeightBytes(value.spec, registry, device);
    if (value.kind == ValueKind::kStepInput || value.kind == ValueKind::kOutput) {
      plan.step_bytes += MaxBytes(value.spec, program.limits);
    }
  }
  return plan;
}

// Blocks of each group's pool that sequences of `tokens` own at most, and their bytes.
struct Pools {
  std::vector<int64_t> blocks;
  int64_t bytes = 0;
};
Pools PoolsOf(const std::vector<CacheGroup>& groups, const SchedulerConfig& limits, int tokens) {
  Pools pools;
  for (const CacheGroup& group : groups) {
    pools.blocks.push_back(PeakBlocks(group.spec, tokens, limits.max_num_batched_tokens));
    pools.bytes += pools.blocks.back() * BlockBytes(group);
  }
  return pools;
}

// Places for tokens are numbered across the layers of a pool.
int64_t MostBlocks(const CacheGroup& group) {
  const int64_t slots = int64_t{kBlockTokens} * static_cast<int64_t>(group.layers.size());
  return std::numeric_limits<int32_t>::max() / slots / kSpanBlocks * kSpanBlocks;
}

// For the cache, whatever it would like to have.
int64_t CacheBudget(const MemoryPlan& plan, const ModelOptions& options) {
  if (options.kv_cache_bytes > 0) return options.kv_cache_bytes;
  const int64_t rest = std::max<int64_t>(0, plan.limit_bytes - plan.total_bytes()) / (options.num_later + 1);
  return options.memory_utilization > 0 ? rest : std::min(rest, plan.limit_bytes / 4);
}

absl::Status CheckFits(const MemoryPlan& plan, const DeviceInfo& device, const ModelOptions& options) {
  if (options.kv_cache_bytes > 0 && options.kv_cache_bytes < plan.context_bytes) {
    return ResourceExhausted(
        "the KV cache may take %d bytes, and one context of %d tokens needs %d; lower --max-model-len or raise "
        "--kv-cache-bytes",
        options.kv_cache_bytes, options.limits.max_model_len, plan.context_bytes);
  }
  if (plan.total_bytes() <= plan.limit_bytes) return absl::OkStatus();
  const int64_t others = options.reserved_bytes + options.later_bytes;
  const std::string beside = others == 0 ? "" : absl::StrFormat(", beside the %d of other models", others);
  return ResourceExhausted(
      "weights and steps need %d bytes and the KV cache at least %d; of %s they may take %d%s: use a smaller model, "
      "--max-model-len, --max-num-seqs or --max-num-batched-tokens, or more of --memory-utilization",
      plan.total_bytes() - plan.kv_cache_bytes, plan.context_bytes, device.name, plan.limit_bytes, beside);
}

}  // namespace

int64_t SliceBytes(const Program& program) {
  int64_t bytes = 0;
  for (const Node& node : program.graph.nodes) {
    if (&node.op.schema() != &SchemaOf(AllGather{})) continue;
    bytes = std::max(bytes, MaxBytes(program.graph.value(node.in[0]).spec, program.limits));
  }
  return bytes;
}

void MemoryPlan::Add(const MemoryPlan& other) {
  weight_bytes += other.weight_bytes;
  kv_cache_bytes += other.kv_cache_bytes;
  activation_bytes += other.activation_bytes;
  workspace_bytes += other.workspace_bytes;
  step_bytes += other.step_bytes;
  process_bytes += other.process_bytes;
}

MemoryPlan PlanMemory(const Program& program, const std::vector<CacheGroup>& groups, const KernelRegistry& registry,
                      const DeviceInfo& device, const ModelOptions& options) {
  MemoryPlan plan = PlanProgram(program, registry, device);
  const double share_of_memory = options.memory_utilization > 0 ? options.memory_utilization : 1.0;
  plan.limit_bytes = static_cast<int64_t>(static_cast<double>(device.memory_bytes) * share_of_memory) -
                     options.reserved_bytes - options.later_bytes;
  if (device.reads_host_memory) {
    plan.process_bytes = std::max<int64_t>(0, ResidentNow().total_bytes() - options.reserved_bytes);
  }
  const SchedulerConfig& limits = options.limits;
  const Pools one = PoolsOf(groups, limits, limits.max_model_len);
  plan.context_bytes = one.bytes;
  const int64_t wanted = one.bytes * limits.max_num_seqs;
  double share = static_cast<double>(CacheBudget(plan, options)) / static_cast<double>(wanted);
  if (options.memory_utilization == 0) share = std::min(1.0, share);
  for (size_t g = 0; g < groups.size(); ++g) {
    const auto blocks = static_cast<int64_t>(static_cast<double>(one.blocks[g] * limits.max_num_seqs) * share);
    plan.num_blocks.push_back(static_cast<int>(std::max(one.blocks[g], std::min(blocks, MostBlocks(groups[g])))));
    plan.least_blocks.push_back(static_cast<int>(one.blocks[g]));
    plan.kv_cache_bytes += plan.num_blocks.back() * BlockBytes(groups[g]);
  }
  plan.grows = device.growth_bytes > 0;
  plan.fits = CheckFits(plan, device, options);
  return plan;
}

int64_t LeastMemory(const Program& program, const std::vector<CacheGroup>& groups, const KernelRegistry& registry,
                    const DeviceInfo& device, const ModelOptions& options, int tokens) {
  const int64_t one_context = PoolsOf(groups, options.limits, tokens).bytes;
  return PlanProgram(program, registry, device).total_bytes() + std::max(options.kv_cache_bytes, one_context);
}

int LongestContext(const MemoryPlan& plan, const std::vector<CacheGroup>& groups, const ModelOptions& options,
                   int longest) {
  MemoryPlan program = plan;
  program.kv_cache_bytes = 0;
  const int64_t budget = CacheBudget(program, options);
  int fits = 0;
  for (int least = 1, most = longest; least <= most;) {
    const int middle = least + (most - least) / 2;
    if (PoolsOf(groups, options.limits, middle).bytes <= budget) {
      fits = middle;
      least = middle + 1;
    } else {
      most = middle - 1;
    }
  }
  return fits;
}

}  // namespace engine
