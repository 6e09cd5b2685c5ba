#include "benchmarks/bench_model.h"

#include <algorithm>
#include <climits>
#include <map>

#include "core/base/clock.h"

namespace engine {
namespace {

DType CommonestWeight(const Checkpoint& checkpoint) {
  std::map<DType, int64_t> bytes;
  for (const SourceTensor& tensor : checkpoint.tensors()) bytes[tensor.dtype] += tensor.data.size();
  return std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; })->first;
}

// Room for the tests and no more: one token per sequence and step, without drafts.
absl::Status FitLimits(const std::vector<SpeedTest>& tests, EngineOptions& options) {
  options.num_speculative_tokens = 0;
  options.max_num_seqs = 1;
  options.max_model_len = 0;
  for (const SpeedTest& test : tests) {
    options.max_num_seqs = std::max(options.max_num_seqs, test.batch);
    const auto context = static_cast<int>(std::min<int64_t>(INT_MAX, test.context_tokens()));
    options.max_model_len = std::max(options.max_model_len, context);
    // What the prefix cache does not hold of a depth is read in one step, which is not timed.
    const int64_t together = int64_t{test.batch} * (test.depth % kBlockTokens + 1);
    if (!test.reads_prompts() && together > options.max_num_batched_tokens) {
      return InvalidArgument("%s begins with a step of %d tokens; raise --max-num-batched-tokens to that", test.name(),
                             together);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BenchModel>> BenchModel::Create(EngineOptions options,
                                                               const std::vector<SpeedTest>& tests) {
  RETURN_IF_ERROR(FitLimits(tests, options));
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(options));
  std::unique_ptr<BenchModel> model(new BenchModel(std::move(opened)));
  ASSIGN_OR_RETURN(model->model_, LoadModel(model->opened_));
  model->weight_dtype_ = CommonestWeight(*model->opened_.checkpoint);
  return model;
}

absl::StatusOr<Scheduler> BenchModel::NewScheduler() const {
  return engine::NewScheduler(model_, opened_.options.limits);
}

int64_t BenchModel::weight_bytes() const {
  return model_.runner->weights().packed_bytes() + model_.runner->weights().mapped_bytes();
}

std::string BenchModel::device_name() const {
  const std::string& first = opened_.device().info().name;
  return opened_.devices.size() == 1 ? first : absl::StrFormat("%d x %s", opened_.devices.size(), first);
}

DType BenchModel::kv_dtype() const { return model_.cache_groups[0].spec.dtype; }

absl::StatusOr<int> BenchModel::Step(Scheduler& scheduler, StepWork& work) {
  std::optional<StepPlan> plan = scheduler.Next();
  if (!plan) return absl::InternalError("the scheduler has no step to run");
  StepWork least = LeastWork(model_.runner->program(), *plan);
  const auto start = Now();
  ASSIGN_OR_RETURN(const std::span<const SampledToken> samples, model_.runner->Run(*plan));
  least.seconds = SecondsSince(start);
  work += least;

  std::vector<RowResult> rows;
  for (const SampledToken& sample : samples) rows.push_back({.token = sample.id, .valid = sample.id >= 0});
  int tokens = 0;
  for (const SequenceEvent& event : scheduler.Commit(*std::move(plan), {rows})) {
    if (event.kind == SequenceEvent::Kind::kFailed) return absl::InternalError("the model's logits are not finite");
    ++tokens;
  }
  return tokens;
}

}  // namespace engine
