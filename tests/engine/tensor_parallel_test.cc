// Several SIMT devices that compute a model together: the bits of one, whatever runs beside a request and in whatever
// order the devices do their work.
#include <algorithm>

#include "core/base/check.h"
#include "engine/forward.h"
#include "engine/inspect.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"
#include "tests/models/tiny_checkpoint.h"
#include "tests/support/environment.h"

namespace engine {

void PrintTo(const TinyModel& model, std::ostream* out) { *out << model.name; }

namespace {

using testing::AllOf;
using testing::HasSubstr;

// Of every token of `tokens`.
std::vector<float> LogitsOn(int devices, const std::string& path, std::span<const int32_t> tokens, int chunk,
                            const std::string& kv_cache_dtype = "auto") {
  std::vector<float> logits;
  auto opened = OpenModel({.model = path,
                           .device = devices % 2 == 0 ? "simt:32" : "simt:64",
                           .tensor_parallel_size = devices,
                           .numerics = Numerics::kExact,
                           .max_model_len = 64,
                           .max_num_seqs = 1,
                           .kv_cache_dtype = kv_cache_dtype});
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (!opened.ok()) return logits;
  opened->options.limits.max_sampled = static_cast<int>(tokens.size());
  auto loaded = LoadModel(*opened);
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  if (!loaded.ok()) return logits;
  const absl::Status run = ForwardSequence(*loaded, tokens, chunk, [&](int64_t, std::span<const float> row) {
    logits.insert(logits.end(), row.begin(), row.end());
  });
  EXPECT_TRUE(run.ok()) << run;
  return logits;
}

class Formats : public ::testing::TestWithParam<Subject> {};

// Four devices share the two KV heads of the model by pairs.
TEST_P(Formats, HaveTheLogitsOfOneDevice) {
  const ModelOnDisk model(GetParam().model);
  const std::vector<int32_t> tokens = RandomTokens(1, 36);
  const auto logits = [&](int devices, int chunk) {
    return LogitsOn(devices, model.path(), tokens, chunk, GetParam().kv_cache_dtype);
  };
  const std::vector<float> expected = logits(1, 36);
  ASSERT_FALSE(expected.empty());
  EXPECT_TRUE(logits(2, 36) == expected);
  EXPECT_TRUE(logits(4, 20) == expected) << "in chunks";
}

// Each kind of weight, and both caches and windows.
std::vector<Subject> SomeSubjects() {
  const std::vector<Subject> all = Subjects();
  std::vector<Subject> subjects;
  for (const char* name : {"f32", "q4_0", "q6_k", "w8", "w4_g64", "bf16_window_int8_kv"}) {
    const auto found = std::ranges::find(all, name, &Subject::name);
    ENGINE_CHECK(found != all.end());
    subjects.push_back(*found);
  }
  return subjects;
}

INSTANTIATE_TEST_SUITE_P(TensorParallel, Formats, ::testing::ValuesIn(SomeSubjects()),
                         [](const auto& info) { return info.param.name; });

class Architectures : public ::testing::TestWithParam<TinyModel> {};

// But for the one whose three heads two devices cannot share.
TEST_P(Architectures, HaveTheLogitsOfOneDevice) {
  TempDir directory;
  ASSERT_TRUE(WriteTinyCheckpoint(GetParam(), DType::kF32, directory.path()).ok());
  const std::vector<int32_t> tokens(GetParam().prompt.begin(), GetParam().prompt.begin() + 20);
  const auto opened = OpenModel({.model = directory.path(), .device = "simt", .tensor_parallel_size = 2});
  ASSERT_TRUE(opened.ok()) << opened.status();
  const auto compiled = CompileModel(*opened);
  if (GetParam().name == "llama_three_heads") {
    EXPECT_THAT(std::string(Message(compiled.status())), HasSubstr("2, which does not divide the model's 3"));
    return;
  }
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  const std::vector<float> expected = LogitsOn(1, directory.path(), tokens, 20);
  ASSERT_FALSE(expected.empty());
  EXPECT_TRUE(LogitsOn(2, directory.path(), tokens, 7) == expected);
}

INSTANTIATE_TEST_SUITE_P(TensorParallel, Architectures, ::testing::ValuesIn(ReadTinyModels().value()),
                         [](const auto& info) { return info.param.name; });

std::vector<Generation> AnswersOn(const ModelOnDisk& model, int devices) {
  const auto engine = OpenEngine(model, {.device = "simt",
                                         .tensor_parallel_size = devices,
                                         .numerics = Numerics::kExact,
                                         .max_model_len = 64,
                                         .max_num_seqs = 3,
                                         .max_num_batched_tokens = 24});
  if (engine == nullptr) return {};
  std::vector<GenerationRequest> requests;
  for (int r = 0; r < 3; ++r) {
    requests.push_back(Continue(RandomTokens(r / 2, 20 + 9 * r), 5));
    if (r % 2 == 1) requests.back().sampling.temperature = 1;
    requests.back().sampling.seed = r;
  }
  std::vector<Generation> answers = AnswerTogether(*engine, requests);
  answers.push_back(Answer(*engine, requests.back()));
  EXPECT_GT(answers.back().cached_tokens, 0) << "its prefix is known by now";
  return answers;
}

TEST(TensorParallel, AnswersBatchesAndPrefixesAsOneDeviceDoesInAnyOrderOfWork) {
  const ModelOnDisk model({.weights = DType::kQ4_0});
  const std::vector<Generation> expected = AnswersOn(model, 1);
  const EnvironmentVariable seed("ENGINE_SIMT_SEED", "1");
  const std::vector<Generation> answers = AnswersOn(model, 2);
  ASSERT_EQ(answers.size(), expected.size());
  for (size_t r = 0; r < answers.size(); ++r) {
    ExpectSame(answers[r], expected[r], "request " + std::to_string(r));
  }
}

TEST(TensorParallel, TakesTheMemoryOfItsPartOnEachDevice) {
  const ModelOnDisk model({.weights = DType::kQ4_0});
  const auto memory_of = [&](int devices) {
    const auto plan = InspectPlan({.model = model.path(), .device = "simt", .tensor_parallel_size = devices});
    EXPECT_TRUE(plan.ok() && plan->devices == devices) << plan.status();
    return plan->memory;
  };
  const MemoryPlan one = memory_of(1);
  const MemoryPlan two = memory_of(2);
  EXPECT_EQ(two.context_bytes, one.context_bytes / 2);
  EXPECT_LT(two.weight_bytes, one.weight_bytes);
  EXPECT_EQ(two.limit_bytes, one.limit_bytes / 2) << "SIMT devices share the host's memory";
}

TEST(TensorParallel, SaysWhyItCannotBe) {
  const ModelOnDisk model({.weights = DType::kQ4_0});
  EXPECT_THAT(Refusal(model, {.device = "simt", .tensor_parallel_size = 0}),
              HasSubstr("tensor_parallel_size is 0; it must lie in [1, 64]"));
  EXPECT_THAT(Refusal(model, {.device = "simt", .tensor_parallel_size = 3}),
              HasSubstr("tensor_parallel_size is 3, which does not divide the model's 4"));
  EXPECT_THAT(Refusal(model, {.device = "cpu", .tensor_parallel_size = 2}),
              AllOf(HasSubstr("tensor_parallel_size is 2"), HasSubstr("device cpu cannot")));
  EXPECT_THAT(Refusal(model, {.device = "cuda:1000", .tensor_parallel_size = 2}),
              AllOf(HasSubstr("tensor_parallel_size is 2"), HasSubstr("CUDA")));
}

}  // namespace
}  // namespace engine
