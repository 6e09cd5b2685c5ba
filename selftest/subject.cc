#include "selftest/subject.h"

#include <random>

#include "backends/backends.h"
#include "core/runtime/scheduler.h"
#include "engine/forward.h"

namespace engine {
namespace {

constexpr int kAnswerTokens = 12;

std::vector<int32_t> RandomTokens(uint64_t seed, int count, int vocab) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocab);
  return tokens;
}

std::vector<SamplingParams> Samplings() {
  return {{.temperature = 0, .ignore_eos = true, .max_tokens = kAnswerTokens},
          {.temperature = 1, .top_p = 0.9f, .ignore_eos = true, .max_tokens = kAnswerTokens},
          {.temperature = 1, .top_k = 20, .repetition_penalty = 1.3f, .ignore_eos = true, .max_tokens = kAnswerTokens}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Subject>> Subject::Create(const Choice& choice) {
  auto subject = std::make_unique<Subject>();
  ASSIGN_OR_RETURN(Devices devices, OpenDevices(choice.device, choice.tensor_parallel_size,
                                                {.threads = choice.threads, .guards = choice.guards}));
  ASSIGN_OR_RETURN(
      subject->opened_,
      OpenModel(
          {.model = choice.model, .numerics = Numerics::kExact, .max_model_len = 2 * kPromptTokens, .max_num_seqs = 3},
          std::move(devices)));
  subject->opened_.options.limits.max_sampled = kPromptTokens;
  ASSIGN_OR_RETURN(subject->loaded_, LoadModel(subject->opened_));
  return subject;
}

absl::StatusOr<std::vector<float>> Subject::Logits(int chunk) {
  std::vector<float> logits;
  RETURN_IF_ERROR(ForwardSequence(
      loaded_, RandomTokens(1, kPromptTokens, loaded_.vocab), chunk,
      [&](int64_t, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); }));
  return logits;
}

absl::StatusOr<std::vector<std::vector<int32_t>>> Subject::Answers() {
  ASSIGN_OR_RETURN(Scheduler scheduler, NewScheduler(loaded_, opened_.options.limits));
  const std::vector<SamplingParams> samplings = Samplings();
  std::vector<std::vector<int32_t>> answers(samplings.size());
  for (size_t i = 0; i < samplings.size(); ++i) {
    const int prompt_tokens = 1 + static_cast<int>(i) * 17;
    RETURN_IF_ERROR(scheduler.Add({.id = static_cast<int64_t>(i),
                                   .prompt = RandomTokens(i, prompt_tokens, loaded_.vocab),
                                   .params = samplings[i],
                                   .seed = i}));
  }
  while (std::optional<StepPlan> plan = scheduler.Next()) {
    ASSIGN_OR_RETURN(const std::span<const SampledToken> samples, loaded_.runner->Run(*plan));
    std::vector<RowResult> rows;
    for (const SampledToken& sample : samples) rows.push_back({.token = sample.id, .valid = sample.id >= 0});
    for (const SequenceEvent& event : scheduler.Commit(*std::move(plan), {rows})) {
      if (event.kind == SequenceEvent::Kind::kFailed)
        return DataLoss("logits of request %d are not finite", event.sequence_id);
      answers[event.sequence_id].push_back(event.sampled.token);
    }
  }
  return answers;
}

}  // namespace engine
