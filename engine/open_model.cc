#include "engine/open_model.h"

#include <algorithm>
#include <numeric>

#include "backends/backends.h"
#include "core/base/field_error.h"
#include "engine/model_path.h"

namespace engine {
namespace {

// Contexts of the newest models would make the KV cache the largest part of the engine; who wants one asks for it.
constexpr int kDefaultMaxModelLen = 8192;

absl::StatusOr<int> ChooseMaxModelLen(const EngineOptions& options, const DecoderConfig& config) {
  if (options.max_model_len == EngineOptions::kLongestThatFits) return config.max_position;
  if (options.max_model_len == 0) return std::min(config.max_position, kDefaultMaxModelLen);
  if (options.max_model_len > config.max_position) {
    return InvalidArgument("max_model_len is %d; the model was trained for contexts of at most %d tokens",
                           options.max_model_len, config.max_position);
  }
  return options.max_model_len;
}

absl::StatusOr<std::optional<DType>> ChooseKvDType(const std::string& name) {
  if (name == "auto") return std::nullopt;
  if (name == "int8") return DType::kI8;
  const std::optional<DType> dtype = ParseDType(name);
  if (dtype == DType::kF32 || dtype == DType::kBF16) return dtype;
  return InvalidArgument("kv_cache_dtype is %s; it must be auto, f32, bf16 or int8", name);
}

absl::StatusOr<bool> NeedsHiddenStates(const std::string& pooling) {
  if (pooling == "none") return false;
  if (pooling == "last" || pooling == "mean") return true;
  return InvalidArgument("pooling is %s; it must be none, last or mean", pooling);
}

// A row for each sequence, and rows for drafts: all that a few sequences ask for. Steps of more rows than that are bound
// by arithmetic, where a draft cannot win, and each row of logits takes memory.
int MaxSampled(const EngineOptions& options) {
  constexpr int kMostDraftRows = 64;
  const int64_t draft_rows = std::min<int64_t>(int64_t{options.max_num_seqs} * options.num_speculative_tokens,
                                               std::max(0, kMostDraftRows - options.max_num_seqs));
  return static_cast<int>(options.max_num_seqs + draft_rows);
}

absl::StatusOr<Devices> NewDevices(const EngineOptions& options) {
  ASSIGN_OR_RETURN(Devices devices,
                   OpenDevices(options.device, options.tensor_parallel_size, {.threads = options.threads}));
  const auto memory = [](const auto& device) { return device->info().memory_bytes; };
  std::iter_swap(devices.begin(), std::ranges::min_element(devices, {}, memory));
  return devices;
}

absl::StatusOr<ModelOptions> ChooseOptions(const EngineOptions& options, const DecoderConfig& config) {
  ModelOptions chosen{.numerics = options.numerics,
                      .limits = {.max_num_seqs = options.max_num_seqs,
                                 .max_num_batched_tokens = options.max_num_batched_tokens,
                                 .max_sampled = MaxSampled(options),
                                 .enable_prefix_caching = options.enable_prefix_caching,
                                 .prefill_share = options.prefill_share},
                      .kv_cache_bytes = options.kv_cache_bytes,
                      .memory_utilization = options.memory_utilization,
                      .progress = options.load_progress,
                      .warn = options.warn};
  ASSIGN_OR_RETURN(chosen.limits.max_model_len, ChooseMaxModelLen(options, config));
  ASSIGN_OR_RETURN(chosen.kv_dtype, ChooseKvDType(options.kv_cache_dtype));
  ASSIGN_OR_RETURN(chosen.hidden_states, NeedsHiddenStates(options.pooling));
  RETURN_IF_ERROR(chosen.limits.Validate());
  return chosen;
}

// What the program of the longest context takes is a little more than a shorter one's: the answer is on the safe side.
absl::Status FitContext(OpenedModel& opened) {
  if (!opened.fit_context) return absl::OkStatus();
  ASSIGN_OR_RETURN(const CompiledModel compiled, CompileModel(opened));
  const std::vector<CacheGroup>& groups = compiled.model.cache_groups;
  const MemoryPlan plan = PlanMemory(compiled.program, groups, opened.registry, opened.device().info(), opened.options);
  const int longest = LongestContext(plan, groups, opened.options, opened.options.limits.max_model_len);
  opened.options.limits.max_model_len = std::max(1, longest);
  opened.fit_context = false;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> LeastMemory(const OpenedModel& opened) {
  ASSIGN_OR_RETURN(const CompiledModel compiled, CompileModel(opened));
  const int tokens = opened.fit_context ? 1 : opened.options.limits.max_model_len;
  return LeastMemory(compiled.program, compiled.model.cache_groups, opened.registry, opened.device().info(),
                     opened.options, tokens);
}

}  // namespace

absl::Status CheckNumSpeculativeTokens(int count) {
  if (count >= 0 && count <= Draft::kMaxTokens) return absl::OkStatus();
  return FieldError("num_speculative_tokens",
                    absl::StrFormat("is %d; it must lie in [0, %d]", count, Draft::kMaxTokens));
}

absl::StatusOr<OpenedModel> OpenModel(const EngineOptions& options, Devices devices) {
  RETURN_IF_ERROR(options.Validate());
  OpenedModel opened;
  opened.devices = std::move(devices);
  if (opened.devices.empty()) {
    ASSIGN_OR_RETURN(opened.devices, NewDevices(options));
  }
  ASSIGN_OR_RETURN(opened.path, ResolveModel(options.model));
  ASSIGN_OR_RETURN(opened.checkpoint, Checkpoint::Open(opened.path));
  ASSIGN_OR_RETURN(WeightCatalog catalog, WeightCatalog::Create(*opened.checkpoint));
  opened.catalog = std::make_unique<WeightCatalog>(std::move(catalog));
  ASSIGN_OR_RETURN(opened.config, ParseModel(*opened.catalog));
  RegisterKernels(opened.registry);
  ASSIGN_OR_RETURN(opened.options, ChooseOptions(options, opened.config));
  opened.fit_context = options.max_model_len == EngineOptions::kLongestThatFits;
  opened.num_speculative_tokens = options.num_speculative_tokens;
  opened.options.ranks = static_cast<int>(opened.devices.size());
  opened.options.limits.max_steps_in_flight = opened.device().info().max_steps_in_flight;
  return opened;
}

absl::StatusOr<PlannedModel> PlanModel(OpenedModel& opened) {
  RETURN_IF_ERROR(FitContext(opened));
  return PlanModel(opened.config, *opened.catalog, opened.registry, opened.device().info(), opened.options);
}

absl::Status CheckSharesDevice(const EngineOptions& first, const EngineOptions& model) {
  if (&first == &model) return absl::OkStatus();
  if (model.tensor_parallel_size != first.tensor_parallel_size) {
    return InvalidArgument("%s asks for tensor_parallel_size %d; models that are loaded together share %d", model.model,
                           model.tensor_parallel_size, first.tensor_parallel_size);
  }
  if (model.device != first.device || model.threads != first.threads) {
    return InvalidArgument("%s asks for device %s with %d threads; models that are loaded together share %s with %d",
                           model.model, model.device, model.threads, first.device, first.threads);
  }
  if (first.draft_model.empty() && model.draft_model.empty()) return absl::OkStatus();
  return Unimplemented(
      "models that are loaded together take no draft model; without one, guesses are looked up in the text");
}

absl::StatusOr<std::vector<PlannedModel>> PlanTogether(std::span<OpenedModel* const> models) {
  std::vector<int64_t> least(models.size(), 0);  // the first one's does not matter
  for (size_t m = 1; m < models.size(); ++m) {
    const absl::StatusOr<int64_t> needs = LeastMemory(*models[m]);
    if (!needs.ok()) return Annotate(needs.status(), models[m]->path);
    least[m] = *needs;
  }
  std::vector<PlannedModel> planned;
  int64_t taken = 0;
  for (size_t m = 0; m < models.size(); ++m) {
    ModelOptions& options = models[m]->options;
    options.reserved_bytes = taken;
    options.later_bytes = std::accumulate(least.begin() + static_cast<std::ptrdiff_t>(m) + 1, least.end(), int64_t{0});
    options.num_later = static_cast<int>(models.size() - m - 1);
    ASSIGN_OR_RETURN(PlannedModel plan, PlanModel(*models[m]));
    RETURN_IF_ERROR(Annotate(plan.memory.fits, models[m]->path));
    taken += plan.memory.total_bytes();
    planned.push_back(std::move(plan));
  }
  return planned;
}

absl::StatusOr<LoadedModel> LoadModel(OpenedModel& opened, PlannedModel planned) {
  return LoadModel(*opened.checkpoint, std::move(planned), opened.registry, opened.devices, opened.options);
}

absl::StatusOr<LoadedModel> LoadModel(OpenedModel& opened) {
  ASSIGN_OR_RETURN(PlannedModel planned, PlanModel(opened));
  return LoadModel(opened, std::move(planned));
}

absl::StatusOr<CompiledModel> CompileModel(const OpenedModel& opened) {
  return CompileModel(opened.config, *opened.catalog, opened.registry, opened.device().info(), opened.options);
}

}  // namespace engine
