// A KV cache that grows: the same answers while memory is mapped behind it, and where there is none left to map.
#include <optional>

#include "core/runtime/scheduler.h"
#include "engine/inspect.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"
#include "tests/support/environment.h"

namespace engine {
namespace {

using testing::HasSubstr;

constexpr int kSequences = 5;

const ModelOnDisk& Model() {
  static const auto& model = *new ModelOnDisk({.weights = DType::kQ4_0});
  return model;
}

EngineOptions Options(const std::string& device, int devices = 1) {
  return {.model = Model().path(),
          .device = device,
          .tensor_parallel_size = devices,
          .threads = 1,
          .numerics = Numerics::kExact,
          .max_model_len = 128,
          .max_num_seqs = kSequences,
          .max_num_batched_tokens = 96,
          .num_speculative_tokens = 0};
}

std::vector<GenerationRequest> Requests() {
  std::vector<GenerationRequest> requests;
  for (int r = 0; r < kSequences; ++r) {
    requests.push_back(Continue(RandomTokens(r, 80 + 5 * r), 20));
    requests.back().sampling.seed = r;
    if (r % 2 == 1) requests.back().sampling.temperature = 1;
  }
  return requests;
}

void ExpectSameAnswers(const std::vector<Generation>& actual, const std::vector<Generation>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t r = 0; r < actual.size(); ++r) ExpectSame(actual[r], expected[r], "request " + std::to_string(r));
}

const std::vector<Generation>& ExpectedAnswers() {
  static const auto& answers = *new auto(AnswerTogether(*OpenEngine(Model(), Options("cpu")), Requests()));
  return answers;
}

TEST(KvGrowth, APlanSaysWhatIsThereFromTheStart) {
  const auto grows = InspectPlan(Options("simt"));
  ASSERT_TRUE(grows.ok()) << grows.status();
  EXPECT_TRUE(grows->memory.grows);
  EXPECT_LT(grows->memory.context_bytes, grows->memory.kv_cache_bytes);
  EXPECT_FALSE(InspectPlan(Options("cpu"))->memory.grows);
}

TEST(KvGrowth, ADeviceSaysInWhichStepsItGrows) {
  for (const DeviceReport& device : InspectDevices()) {
    if (device.name == "simt") EXPECT_THAT(device.remarks, testing::Contains("the KV cache grows in steps of 64 KiB"));
  }
}

TEST(KvGrowth, PoolsHaveOneContextAtFirstAndGrowAsFarAsTheyAreAskedTo) {
  auto opened = OpenModel(Options("simt"));
  ASSERT_TRUE(opened.ok()) << opened.status();
  auto loaded = LoadModel(*opened);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  Runner& runner = *loaded->runner;
  const int all = loaded->memory.num_blocks[0];
  const int least = loaded->memory.least_blocks[0];
  const int first = runner.BackBlocks(0, 0);
  EXPECT_GE(first, least);
  EXPECT_LT(first, all);
  EXPECT_GE(runner.BackBlocks(0, first + 1), first + 1);
  EXPECT_EQ(runner.BackBlocks(0, all), all);
}

// Growth goes on while graphs of earlier steps are replayed: addresses stay.
TEST(KvGrowth, AnswersAreThoseOfTheCpuWhileTheCacheGrows) {
  for (const char* device : {"simt:32", "simt:64"}) {
    const auto engine = OpenEngine(Model(), Options(device));
    ASSERT_NE(engine, nullptr);
    ExpectSameAnswers(AnswerTogether(*engine, Requests()), ExpectedAnswers());
  }
}

TEST(KvGrowth, TwoDevicesGrowTogether) {
  const EnvironmentVariable seed("ENGINE_SIMT_SEED", "3");
  const auto engine = OpenEngine(Model(), Options("simt", 2));
  ASSERT_NE(engine, nullptr);
  ExpectSameAnswers(AnswerTogether(*engine, Requests()), ExpectedAnswers());
}

// On devices of 300 MB, of which somebody else takes what loading leaves of the last one.
class ShortOfMemory : public ::testing::TestWithParam<int> {
 protected:
  ShortOfMemory() : options_(Options("simt", GetParam())) {
    {
      const EnvironmentVariable memory("ENGINE_SIMT_MEMORY", "300000000");
      opened_ = *OpenModel(options_);
    }
    opened_.options.vocab = kTinyVocab;
    loaded_ = *LoadModel(opened_);
    for (int64_t bytes = 300'000'000; bytes >= 1024;) {
      auto buffer = opened_.devices.back()->Allocate(bytes, MemoryKind::kDevice);
      buffer.ok() ? taken_.push_back(*std::move(buffer)) : void(bytes /= 2);
    }
  }

  Runner& runner() { return *loaded_.runner; }

  // Of all requests at once.
  std::vector<std::vector<int32_t>> Answers() {
    const auto warn = [this](const std::string& line) { warnings_.push_back(line); };
    Scheduler scheduler = *NewScheduler(loaded_, opened_.options.limits, warn);
    for (const GenerationRequest& request : Requests()) {
      const uint64_t seed = *request.sampling.seed;
      const absl::Status added = scheduler.Add({.id = static_cast<int64_t>(seed),
                                                .prompt = request.prompt_tokens,
                                                .params = request.sampling,
                                                .seed = seed});
      EXPECT_TRUE(added.ok()) << added;
    }
    std::vector<std::vector<int32_t>> answers(kSequences);
    while (scheduler.has_sequences() && !HasFailure()) RunStep(scheduler, answers);
    return answers;
  }

  void RunStep(Scheduler& scheduler, std::vector<std::vector<int32_t>>& answers) {
    std::optional<StepPlan> plan = scheduler.Next();
    ASSERT_TRUE(plan.has_value());
    const auto samples = runner().Run(*plan);
    ASSERT_TRUE(samples.ok()) << samples.status();
    std::vector<RowResult> rows;
    for (const SampledToken& sample : *samples) rows.push_back({.token = sample.id, .logprob = sample.logprob});
    for (const SequenceEvent& event : scheduler.Commit(*std::move(plan), {.rows = rows})) {
      answers[event.sequence_id].push_back(event.sampled.token);
    }
    ASSERT_TRUE(scheduler.CheckInvariants().ok()) << scheduler.CheckInvariants();
  }

  EngineOptions options_;
  OpenedModel opened_;
  LoadedModel loaded_;
  std::vector<Buffer> taken_;
  std::vector<std::string> warnings_;
};

TEST_P(ShortOfMemory, RequestsWaitAndNoneIsLost) {
  const int before = runner().BackBlocks(0, 0);
  const std::vector<std::vector<int32_t>> answers = Answers();
  for (int r = 0; r < kSequences; ++r) EXPECT_EQ(answers[r], ExpectedAnswers()[r].tokens) << r;
  EXPECT_EQ(runner().BackBlocks(0, 0), before);
  ASSERT_FALSE(warnings_.empty());
  EXPECT_THAT(warnings_.front(), HasSubstr("the KV cache cannot grow beyond"));
  EXPECT_THAT(warnings_.front(), HasSubstr("of SIMT device memory: of 300000000 bytes"));
}

TEST_P(ShortOfMemory, WhatIsFreeAgainIsTaken) {
  const int all = loaded_.memory.num_blocks[0];
  EXPECT_LT(runner().BackBlocks(0, all), all);
  EXPECT_THAT(Message(runner().shortage()), HasSubstr("cannot allocate"));
  taken_.clear();
  EXPECT_EQ(runner().BackBlocks(0, all), all);
}

INSTANTIATE_TEST_SUITE_P(Devices, ShortOfMemory, ::testing::Values(1, 2),
                         [](const auto& info) { return info.param == 1 ? "One" : "Two"; });

}  // namespace
}  // namespace engine
