#include "benchmarks/model_speed.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <map>
#include <numeric>

#include "core/base/clock.h"

namespace engine {
namespace {

// What the ops that read weights and caches must read and compute at least. The others move a few rows.
Cost CostOfStep(const Program& program, const StepExtents& extents) {
  constexpr std::string_view kCounted[] = {"linear", "gated_mlp", "paged_attention"};
  Cost total;
  for (const Step& step : program.steps) {
    const Node& node = program.graph.nodes[step.node];
    if (std::ranges::find(kCounted, node.op.name()) == std::end(kCounted)) continue;
    const Cost cost =
        node.op.schema().cost(node.op, program.graph.specs(node.in), program.graph.specs(node.out), extents);
    total.bytes += cost.bytes;
    if (node.op.name() != "paged_attention") total.operations += cost.operations;
  }
  return total;
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double Median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

}  // namespace

std::string SpeedTest::name() const {
  std::string text =
      prompt_tokens > 0 ? absl::StrFormat("pp%d", prompt_tokens) : absl::StrFormat("tg%d", generated_tokens);
  if (batch > 1) text += absl::StrFormat(" b%d", batch);
  if (depth > 0) text += absl::StrFormat(" @%d", depth);
  return text;
}

// The token that ends a prompt is sampled outside the timed part, and so is the one after a generation.
int64_t SpeedTest::context_tokens() const { return int64_t{depth} + prompt_tokens + generated_tokens + 2; }

absl::StatusOr<std::unique_ptr<ModelSpeed>> ModelSpeed::Create(EngineOptions options,
                                                               const std::vector<SpeedTest>& tests, uint64_t seed) {
  options.max_num_seqs = 1;
  options.max_model_len = 0;
  for (const SpeedTest& test : tests) {
    options.max_num_seqs = std::max(options.max_num_seqs, test.batch);
    const auto context = static_cast<int>(std::min<int64_t>(INT_MAX, test.context_tokens()));
    options.max_model_len = std::max(options.max_model_len, context);
  }
  for (const SpeedTest& test : tests) {
    // What the prefix cache does not hold of a depth is read in one step, which is not timed.
    const int64_t together = int64_t{test.batch} * (test.depth % kBlockTokens + 1);
    if (test.generated_tokens > 0 && together > options.max_num_batched_tokens) {
      return InvalidArgument("%s begins with a step of %d tokens; raise --max-num-batched-tokens to that", test.name(),
                             together);
    }
  }
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(options));
  std::unique_ptr<ModelSpeed> speed(new ModelSpeed(std::move(opened), seed));
  ASSIGN_OR_RETURN(speed->model_, LoadModel(speed->opened_));
  speed->weight_dtype_ = speed->CommonestWeight();
  ASSIGN_OR_RETURN(speed->roof_, Roof::Create(*speed->opened_.device));
  return speed;
}

DType ModelSpeed::CommonestWeight() const {
  std::map<DType, int64_t> bytes;
  for (const SourceTensor& tensor : opened_.checkpoint->tensors()) bytes[tensor.dtype] += tensor.data.size();
  return std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; })->first;
}

int64_t ModelSpeed::weight_bytes() const {
  return model_.runner->weights().packed_bytes() + model_.runner->weights().mapped_bytes();
}

// A linear congruential generator: any tokens will do, as long as a seed gives the same ones everywhere.
std::vector<int32_t> ModelSpeed::RandomTokens(int count) {
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    token = static_cast<int32_t>((random_ >> 33) % static_cast<uint64_t>(model_.vocab));
  }
  return tokens;
}

absl::StatusOr<int> ModelSpeed::Step(Scheduler& scheduler, Work& work) {
  std::optional<StepPlan> plan = scheduler.Next();
  if (!plan) return absl::InternalError("the scheduler has no step to run");
  const auto start = Now();
  ASSIGN_OR_RETURN(const std::span<const SampledToken> samples, model_.runner->Run(*plan));
  work.seconds += SecondsSince(start);
  const Cost cost = CostOfStep(model_.runner->program(), plan->extents);
  work.tokens += plan->extents.tokens;
  work.bytes += static_cast<double>(cost.bytes);
  work.operations += static_cast<double>(cost.operations);

  std::vector<RowResult> rows;
  for (const SampledToken& sample : samples) rows.push_back({.token = sample.id, .valid = sample.id >= 0});
  int tokens = 0;
  for (const SequenceEvent& event : scheduler.Commit(*std::move(plan), {rows})) {
    if (event.kind == SequenceEvent::Kind::kFailed) return absl::InternalError("the model's logits are not finite");
    ++tokens;
  }
  return tokens;
}

// Sequences of equal length take turns, so they have `count` tokens in all when each has its share.
absl::Status ModelSpeed::StepUntilTokens(Scheduler& scheduler, int64_t count, Work& work) {
  while (count > 0) {
    ASSIGN_OR_RETURN(const int tokens, Step(scheduler, work));
    count -= tokens;
  }
  return absl::OkStatus();
}

absl::StatusOr<ModelSpeed::Work> ModelSpeed::MeasureOnce(const SpeedTest& test) {
  ASSIGN_OR_RETURN(Scheduler scheduler,
                   Scheduler::Create(opened_.options.limits, model_.cache_groups, model_.num_blocks));
  SamplingParams params{.temperature = 0, .ignore_eos = true};
  std::vector<std::vector<int32_t>> prompts(test.batch);
  int64_t id = 0;
  Work untimed;
  // The depth is read by requests of its own; those that are timed find it in the prefix cache.
  for (std::vector<int32_t>& prompt : prompts) {
    prompt = RandomTokens(test.depth);
    params.max_tokens = 1;
    if (test.depth > 0) RETURN_IF_ERROR(scheduler.Add({.id = id++, .prompt = prompt, .params = params}));
  }
  while (scheduler.has_sequences()) RETURN_IF_ERROR(Step(scheduler, untimed).status());

  params.max_tokens = test.generated_tokens == 0 ? 1 : test.generated_tokens + 2;
  for (std::vector<int32_t>& prompt : prompts) {
    const std::vector<int32_t> rest = RandomTokens(std::max(test.prompt_tokens, 1));
    prompt.insert(prompt.end(), rest.begin(), rest.end());
    RETURN_IF_ERROR(scheduler.Add({.id = id++, .prompt = prompt, .params = params}));
  }
  Work work;
  RETURN_IF_ERROR(StepUntilTokens(scheduler, test.batch, test.prompt_tokens > 0 ? work : untimed));
  RETURN_IF_ERROR(StepUntilTokens(scheduler, int64_t{test.batch} * test.generated_tokens, work));
  return work;
}

absl::StatusOr<SpeedResult> ModelSpeed::Measure(const SpeedTest& test, int repetitions) {
  const RoofKind kind = test.prompt_tokens > 0 ? RoofKind::kDotProducts : RoofKind::kMemory;
  RETURN_IF_ERROR(MeasureOnce(test).status());  // touches every page, and fills caches
  std::vector<double> rates, achieved, shares;
  std::vector<double> probes = {roof_->Measure(kind, weight_dtype_)};
  for (int r = 0; r < repetitions; ++r) {
    ASSIGN_OR_RETURN(const Work work, MeasureOnce(test));
    probes.push_back(roof_->Measure(kind, weight_dtype_));
    const double amount = kind == RoofKind::kMemory ? work.bytes : work.operations;
    rates.push_back(static_cast<double>(work.tokens) / work.seconds);
    achieved.push_back(amount / work.seconds);
    const double beside = (probes[r] + probes[r + 1]) / 2;
    shares.push_back(beside > 0 ? achieved.back() / beside : 0);
  }
  return SpeedResult{.test = test,
                     .threads = device().workers,
                     .tokens_per_second = Mean(rates),
                     .deviation = Deviation(rates),
                     .achieved = Mean(achieved),
                     .roof = Mean(probes),
                     .share = Median(shares)};
}

}  // namespace engine
