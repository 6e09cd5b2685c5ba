// The whole engine on the SIMT device: the bits of the CPU's logits where numerics are exact, and the same answers
// whatever runs beside a request and in whatever order the device does its work.
#include <algorithm>
#include <set>

#include "engine/forward.h"
#include "engine/inspect.h"
#include "engine/model_path.h"
#include "engine/open_model.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"
#include "tests/support/environment.h"

namespace engine {
namespace {

constexpr int kTokens = 52;  // two blocks of the cache, and more than a window

// Of every token.
std::vector<float> LogitsOn(const std::string& device, const ModelOnDisk& model, const Subject& subject, int chunk,
                            Numerics numerics = Numerics::kExact) {
  std::vector<float> logits;
  auto opened = OpenModel({.model = model.path(),
                           .device = device,
                           .threads = 1,
                           .numerics = numerics,
                           .max_model_len = 64,
                           .max_num_seqs = 1,
                           .kv_cache_dtype = subject.kv_cache_dtype});
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (!opened.ok()) return logits;
  opened->options.limits.max_sampled = kTokens;
  auto loaded = LoadModel(*opened);
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  if (!loaded.ok()) return logits;
  const absl::Status run = ForwardSequence(
      *loaded, RandomTokens(1, kTokens), chunk,
      [&](int64_t, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
  EXPECT_TRUE(run.ok()) << run;
  return logits;
}

class Simt : public ::testing::TestWithParam<Subject> {};

TEST_P(Simt, HasTheLogitsOfTheCpuAtAnyWarpWidth) {
  const ModelOnDisk model(GetParam().model);
  const std::vector<float> expected = LogitsOn("cpu", model, GetParam(), kTokens);
  EXPECT_FALSE(expected.empty());
  EXPECT_TRUE(LogitsOn("simt:32", model, GetParam(), kTokens) == expected) << "warps of 32";
  EXPECT_TRUE(LogitsOn("simt:64", model, GetParam(), 40) == expected) << "warps of 64, in chunks";
}

INSTANTIATE_TEST_SUITE_P(Formats, Simt, ::testing::ValuesIn(Subjects()),
                         [](const auto& info) { return info.param.name; });

TEST(SimtEngine, HasTheSameLogitsForAnyChunksAtTheDefaultLevel) {
  const Subject subject{.name = "bf16_window", .model = {.weights = DType::kBF16, .sliding_window = true}};
  const ModelOnDisk model(subject.model);
  for (const char* device : {"simt:32", "simt:64"}) {
    const std::vector<float> whole = LogitsOn(device, model, subject, kTokens, Numerics::kInvariant);
    EXPECT_NE(whole, LogitsOn(device, model, subject, kTokens)) << "attention is not the exact one";
    for (const int chunk : {1, 7, 40}) {
      EXPECT_TRUE(LogitsOn(device, model, subject, chunk, Numerics::kInvariant) == whole) << device << ", " << chunk;
    }
  }
}

std::vector<Generation> AnswersOn(const ModelOnDisk& model, EngineOptions options) {
  options.numerics = Numerics::kExact;
  options.max_model_len = 128;
  const auto engine = OpenEngine(model, options);
  return engine == nullptr ? std::vector<Generation>{} : AnswerTogether(*engine, VariedRequests(5, 12));
}

TEST(SimtEngine, AnswersBatchesAsTheCpuDoesInAnyOrderOfWork) {
  const ModelOnDisk model({.weights = DType::kQ4_0});
  const std::vector<Generation> expected = AnswersOn(model, {.device = "cpu"});
  for (const int seed : {0, 1, 2, 3}) {
    const EnvironmentVariable simt_seed("ENGINE_SIMT_SEED", std::to_string(seed));
    const std::vector<Generation> answers = AnswersOn(
        model, {.device = seed % 2 == 0 ? "simt" : "simt:64", .max_num_seqs = 1 + seed, .max_num_batched_tokens = 24});
    ASSERT_EQ(answers.size(), expected.size());
    for (size_t r = 0; r < answers.size(); ++r) {
      ExpectSame(answers[r], expected[r], "seed " + std::to_string(seed) + ", request " + std::to_string(r));
    }
  }
}

// Of class fast, with a table that the embedding shares with the head.
TEST(SimtEngine, MultipliesByALibraryWhereNumericsAreFast) {
  const ModelOnDisk model({.weights = DType::kBF16});
  const EngineOptions options{.model = model.path(), .device = "simt:64", .numerics = Numerics::kFast};
  const auto ops = InspectKernels(options);
  ASSERT_TRUE(ops.ok()) << ops.status();
  std::set<std::string> kernels;
  for (const OpReport& op : *ops) kernels.insert(op.candidates.back().kernel);
  EXPECT_TRUE(kernels.contains("linear.library.gpu"));
  EXPECT_TRUE(kernels.contains("gated_mlp.library.gpu"));

  GenerationRequest request = Continue(RandomTokens(5, 40), 1);
  std::vector<Generation> answers;
  for (const char* device : {"cpu", "simt:64"}) {
    const auto engine = OpenEngine(model, {.device = device, .numerics = Numerics::kFast, .max_model_len = 64});
    ASSERT_NE(engine, nullptr);
    answers.push_back(Answer(*engine, request));
  }
  EXPECT_EQ(answers[1].tokens, answers[0].tokens);
  EXPECT_NEAR(answers[1].logprobs[0].logprob, answers[0].logprobs[0].logprob, 0.01);
}

TEST(SimtEngine, AnswersWithTheRealModelAsTheCpuDoes) {
  constexpr char kModel[] = "smollm2-135m";
  if (!ResolveModel(kModel).ok()) GTEST_SKIP() << kModel << " is not in the cache; `engine pull " << kModel << "`";
  GenerationRequest request{.sampling = {.temperature = 0, .max_tokens = 10, .logprobs = 3}};
  request.messages = {{"user", "Why is the sky blue?"}};
  std::vector<Generation> answers;
  for (const char* device : {"cpu", "simt"}) {
    const auto engine = Engine::Create(
        {.model = kModel, .device = device, .numerics = Numerics::kExact, .max_model_len = 256, .max_num_seqs = 1});
    ASSERT_TRUE(engine.ok()) << engine.status();
    answers.push_back(Answer(**engine, request));
  }
  ExpectSame(answers[1], answers[0], "simt");
}

}  // namespace
}  // namespace engine
