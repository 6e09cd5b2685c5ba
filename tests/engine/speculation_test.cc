// Drafts change how many steps an answer takes, and nothing of it: tokens, text, ends and the bits of log-probabilities.

#include "engine/inspect.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

// A tiny random model soon repeats itself, and so do these prompts: there is much to look up.
std::vector<GenerationRequest> Requests() {
  std::vector<GenerationRequest> requests;
  for (int r = 0; r < 6; ++r) {
    std::vector<int32_t> prompt = RandomTokens(r, 12);
    for (int i = 0; i < 20 * r; ++i) prompt.push_back(prompt[i]);
    GenerationRequest request = Continue(std::move(prompt), 60);
    request.sampling.seed = r;
    if (r == 1) request.sampling.temperature = 0.2f;
    if (r == 2) request.sampling.repetition_penalty = 1.1f;
    if (r == 3) request.sampling.frequency_penalty = 0.3f;
    if (r == 4) request.sampling = {.temperature = 0, .stop = {"ab", "e"}, .min_tokens = 30, .logprobs = 2};
    if (r == 5) request.sampling.prompt_logprobs = 1;
    requests.push_back(std::move(request));
  }
  return requests;
}

int64_t NumDrafted(const std::vector<Generation>& answers) {
  int64_t drafted = 0;
  for (const Generation& answer : answers) drafted += answer.drafted_tokens;
  return drafted;
}

void ExpectSameAsWithout(const ModelOnDisk& model, EngineOptions options, const std::string& what) {
  std::vector<Generation> answers, expected;
  for (const GenerationRequest& request : Requests()) answers.push_back(Answer(*OpenEngine(model, options), request));
  const auto together = AnswerTogether(*OpenEngine(model, options), Requests());
  options.num_speculative_tokens = 0;
  options.draft_model = "";
  const auto without = OpenEngine(model, options);
  for (const GenerationRequest& request : Requests()) expected.push_back(Answer(*without, request));
  EXPECT_EQ(NumDrafted(expected), 0);
  EXPECT_GT(NumDrafted(answers), 0) << what;
  for (size_t r = 0; r < expected.size(); ++r) {
    ExpectSame(answers[r], expected[r], what + ", alone, request " + std::to_string(r));
    ExpectSame(together[r], expected[r], what + ", together, request " + std::to_string(r));
  }
}

TEST(Speculation, PromptLookupChangesNothing) {
  for (const DType dtype : {DType::kF32, DType::kQ8_0, DType::kQ4_K}) {
    ExpectSameAsWithout(ModelOnDisk({.weights = dtype}), {}, std::string(Name(dtype)));
  }
  ExpectSameAsWithout(ModelOnDisk({.weights = DType::kBF16, .sliding_window = true}), {}, "two cache groups");
}

TEST(Speculation, SmallBudgetsAndShortCachesChangeNothing) {
  const ModelOnDisk model({.weights = DType::kQ4_0});
  ExpectSameAsWithout(model, {.max_num_seqs = 2, .max_num_batched_tokens = 7}, "chunks of 7");
  const int64_t one_context = OpenEngine(model, {.max_model_len = 192, .max_num_seqs = 1})->model().kv_cache_bytes;
  ExpectSameAsWithout(model, {.max_model_len = 192, .max_num_seqs = 4, .kv_cache_bytes = one_context}, "preempted");
}

TEST(Speculation, ADraftModelChangesNothingWhetherItIsRightOrNot) {
  const ModelOnDisk model({.weights = DType::kF32});
  const ModelOnDisk like_it({.weights = DType::kQ4_0});
  const ModelOnDisk windowed({.weights = DType::kBF16, .sliding_window = true});
  ExpectSameAsWithout(model, {.draft_model = model.path()}, "drafts by the model itself");
  ExpectSameAsWithout(model, {.draft_model = like_it.path()}, "drafts by a coarser model");
  ExpectSameAsWithout(windowed, {.draft_model = model.path()}, "drafts by another model");
  ExpectSameAsWithout(model, {.draft_model = windowed.path()}, "drafts by a model with two cache groups");
}

// The process may grow between plan and load by less than the caches take, which makes their halves differ.
TEST(Speculation, ADraftModelSharesWhatMemoryUtilizationLeaves) {
  const auto all = InspectPlan({.model = Q8Model().path(), .memory_utilization = 1});
  ASSERT_TRUE(all.ok()) << all.status();
  constexpr double kCaches = 512 << 20;
  const double share = (static_cast<double>(all->memory.process_bytes) + kCaches) / all->memory.limit_bytes;
  EngineOptions options{.memory_utilization = static_cast<float>(share)};
  const int64_t alone = OpenEngine(Q8Model(), options)->model().kv_cache_bytes;
  options.draft_model = Q8Model().path();
  const auto engine = OpenEngine(Q8Model(), options);
  EXPECT_LT(engine->model().kv_cache_bytes, alone * 3 / 4);
  EXPECT_GT(engine->model().kv_cache_bytes, alone / 4);
  EXPECT_GT(Answer(*engine, Continue(RandomTokens(1, 20), 60)).drafted_tokens, 0);
}

TEST(Speculation, ADraftModelFollowsTheLongestContextThatFits) {
  const auto engine =
      OpenEngine(Q8Model(), {.max_model_len = EngineOptions::kLongestThatFits, .draft_model = Q8Model().path()});
  EXPECT_GT(Answer(*engine, Continue(RandomTokens(1, 20), 60)).drafted_tokens, 0);
}

TEST(Speculation, AModelIsAGoodDraftModelForItself) {
  const ModelOnDisk model({.weights = DType::kF32});
  GenerationRequest request = Continue(RandomTokens(1, 20), 100);
  request.sampling.temperature = 1;
  request.sampling.seed = 5;
  const Generation answer = Answer(*OpenEngine(model, {.draft_model = model.path()}), request);
  EXPECT_GT(answer.drafted_tokens, 0);
  EXPECT_EQ(answer.accepted_tokens, answer.drafted_tokens) << "it draws with the same keys";
}

// The model drafts for itself: how much is looked up in prompts follows from what steps take, so on a busy machine it may be
// nothing that is accepted.
TEST(Speculation, AcceptedTokensAreCountedByTheirPlaceInTheDraft) {
  const ModelOnDisk model({.weights = DType::kQ8_0});
  const auto engine = OpenEngine(model, {.draft_model = model.path()});
  AnswerTogether(*engine, Requests());
  const StepStats step = engine->stats().step;
  int64_t accepted = 0, before = step.drafts;
  for (const int64_t at_place : step.accepted_by_position) {
    EXPECT_LE(at_place, before);
    accepted += before = at_place;
  }
  EXPECT_GT(accepted, 0);
  EXPECT_EQ(accepted, step.accepted_tokens);
}

TEST(Speculation, ARequestMayAskForNoneOrFewer) {
  const ModelOnDisk model({.weights = DType::kQ8_0});
  const auto engine = OpenEngine(model);
  GenerationRequest request = Continue(RandomTokens(1, 20), 100);
  const Generation answer = Answer(*engine, request);
  EXPECT_GT(answer.accepted_tokens, 0);
  EXPECT_LE(answer.accepted_tokens, answer.drafted_tokens);
  request.num_speculative_tokens = 0;
  EXPECT_EQ(Answer(*engine, request).drafted_tokens, 0);
  request.num_speculative_tokens = 16;
  EXPECT_THAT(engine->Generate(request).status().message(), HasSubstr("num_speculative_tokens is 16"));
}

TEST(Speculation, ADraftModelOfAnotherVocabularyIsRefused) {
  const ModelOnDisk model({.weights = DType::kF32});
  const ModelOnDisk other({.weights = DType::kF32});
  ReplaceInFile(other.directory() + "/tokenizer.json", "\"z\"", "\"\u0179\"");
  const auto engine = Engine::Create({.model = model.path(), .threads = 1, .draft_model = other.path()});
  EXPECT_THAT(engine.status().message(), HasSubstr("draft model " + other.path() + ": its token 122 is"));
}

TEST(Speculation, OptionsThatContradictEachOtherAreRefused) {
  const ModelOnDisk model({.weights = DType::kF32});
  EXPECT_FALSE(Engine::Create({.model = model.path(), .threads = 1, .num_speculative_tokens = -1}).ok());
  const auto engine =
      Engine::Create({.model = model.path(), .threads = 1, .num_speculative_tokens = 0, .draft_model = model.path()});
  EXPECT_THAT(engine.status().message(), HasSubstr("num_speculative_tokens is 0"));
}

}  // namespace
}  // namespace engine
