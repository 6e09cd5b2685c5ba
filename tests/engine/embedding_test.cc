// Embeddings: the states that logits are computed from, whatever runs beside a text.
#include "engine/embedding.h"

#include <cstring>
#include <semaphore>
#include <thread>

#include "engine/engine_loop.h"
#include "engine/forward.h"
#include "engine/model_text.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

constexpr int kTokens = 52;  // two blocks of the cache, and more than a window

// Before it is scaled.
std::vector<float> Values(Engine& engine, std::vector<int32_t> tokens) {
  auto answer = engine.Generate(EmbeddingRequest({.prompt_tokens = std::move(tokens)}));
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? std::move(answer->embedding) : std::vector<float>();
}

TEST(Embedding, IsMadeOfWhatTheHeadReads) {
  const ModelOnDisk model({.weights = DType::kF32});
  auto opened = OpenModel({.model = model.path(), .threads = 1, .max_num_seqs = 1, .pooling = "last"});
  ASSERT_TRUE(opened.ok()) << opened.status();
  opened->options.limits.max_sampled = kTokens;
  auto loaded = LoadModel(*opened);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const SourceTensor* head = opened->catalog->Find("lm_head.weight");
  if (head == nullptr) head = opened->catalog->Find("model.embed_tokens.weight");
  ASSERT_NE(head, nullptr);
  std::vector<float> table(NumValues(head->shape));
  std::memcpy(table.data(), head->data.data(), head->data.size());

  int64_t checked = 0;
  const auto check = [&](int64_t position, std::span<const float> logits) {
    const auto state = loaded->runner->HiddenStates(static_cast<int>(position), 1);
    ASSERT_TRUE(state.ok());
    for (size_t id = 0; id < logits.size(); ++id) {
      double product = 0;
      for (size_t k = 0; k < state->size(); ++k) product += double{(*state)[k]} * table[id * state->size() + k];
      EXPECT_NEAR(logits[id], product, 1e-4) << position << ", " << id;
    }
    ++checked;
  };
  ASSERT_TRUE(ForwardSequence(*loaded, RandomTokens(1, kTokens), kTokens, check).ok());
  EXPECT_EQ(checked, kTokens);
}

TEST(Embedding, HasTheSameBitsAloneInABatchInChunksAndFromTheCache) {
  for (const char* pooling : {"last", "mean"}) {
    const auto alone = OpenEngine(Q8Model(), {.enable_prefix_caching = false, .pooling = pooling});
    const std::vector<float> expected = Values(*alone, RandomTokens(1, kTokens));
    const auto chunked = OpenEngine(Q8Model(), {.max_num_seqs = 4, .max_num_batched_tokens = 7, .pooling = pooling});
    std::vector<std::jthread> others;
    for (uint64_t r = 2; r < 6; ++r) others.emplace_back([&, r] { Values(*chunked, RandomTokens(r, 40)); });
    EXPECT_EQ(Values(*chunked, RandomTokens(1, kTokens)), expected) << pooling;
    EXPECT_EQ(Values(*chunked, RandomTokens(1, kTokens)), expected) << pooling << ", cached";
  }
}

TEST(Embedding, TheMeanIsThatOfTheStatesOfEveryBeginning) {
  const auto last = OpenEngine(Q8Model(), {.pooling = "last"}), mean = OpenEngine(Q8Model(), {.pooling = "mean"});
  const std::vector<int32_t> tokens = RandomTokens(1, 9);
  std::vector<double> sum(last->model().embedding_size);
  for (size_t n = 1; n <= tokens.size(); ++n) {
    const std::vector<float> state = Values(*last, {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n)});
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += state[i];
  }
  const std::vector<float> values = Values(*mean, tokens);
  ASSERT_EQ(values.size(), sum.size());
  for (size_t i = 0; i < sum.size(); ++i) EXPECT_EQ(values[i], static_cast<float>(sum[i] / 9));
}

TEST(Embedding, AMeanTakesNothingFromTheCacheAndLeavesItsPromptThere) {
  const auto engine = OpenEngine(Q8Model(), {.pooling = "mean"});
  Values(*engine, RandomTokens(1, 64));
  Values(*engine, RandomTokens(1, 64));
  EXPECT_EQ(engine->stats().step.prompt_tokens_cached, 0);
  EXPECT_GT(Answer(*engine, Continue(RandomTokens(1, 64), 2)).cached_tokens, 0);
}

TEST(Embedding, AMeanIsTheSameWhenItsPromptWasPreempted) {
  const std::vector<float> alone = Values(*OpenEngine(Q8Model(), {.pooling = "mean"}), RandomTokens(1, 400));
  const int64_t cache_of_one = OpenEngine(Q8Model(), {.max_num_seqs = 1})->model().kv_cache_bytes;
  const auto tight = OpenEngine(Q8Model(), {.max_num_seqs = 4,
                                            .max_num_batched_tokens = 16,
                                            .prefill_share = 1,
                                            .kv_cache_bytes = cache_of_one,
                                            .pooling = "mean"});
  // They grow while the prompt is read, in chunks, and came before.
  for (uint64_t r = 2; r < 5; ++r) {
    ASSERT_TRUE(tight->Submit(Continue(RandomTokens(r, 20), 60), [](const GenerationUpdate&) {}).ok());
  }
  EXPECT_EQ(Values(*tight, RandomTokens(1, 400)), alone);
  EXPECT_GT(tight->stats().step.preemptions, 0);
}

TEST(Embedding, ComesOnceWhenItsAnswerIsPreempted) {
  const int64_t cache_of_one = OpenEngine(Q8Model(), {.max_num_seqs = 1})->model().kv_cache_bytes;
  for (const char* pooling : {"last", "mean"}) {
    const auto tight = OpenEngine(
        Q8Model(),
        {.max_num_seqs = 4, .kv_cache_bytes = cache_of_one, .enable_prefix_caching = false, .pooling = pooling});
    std::vector<GenerationRequest> requests;
    for (uint64_t r = 0; r < 4; ++r) {
      requests.push_back(Continue(RandomTokens(r, 20), 200));
      requests.back().embed = true;
    }
    for (const Generation& answer : AnswerTogether(*tight, requests)) {
      EXPECT_EQ(std::ssize(answer.embedding), tight->model().embedding_size) << pooling;
    }
    EXPECT_GT(tight->stats().step.preemptions, 0);
  }
}

// A prompt whose beginning was found in the cache has no states of it, which the engine's own requests prevent.
TEST(Embedding, ARequestWhoseStatesCannotBeReadEndsWithTheError) {
  auto opened = *OpenModel({.model = Q8Model().path(), .threads = 1, .pooling = "mean"});
  const ModelText text = *LoadModelText(*opened.checkpoint);
  LoadedModel loaded = *LoadModel(opened);
  StatsBoard stats;
  std::mutex mutex;
  std::vector<TokenEvent> events;
  std::counting_semaphore ended(0);
  const auto loop = *EngineLoop::Create({.scheduler = *NewScheduler(loaded, opened.options.limits),
                                         .runner = std::move(loaded.runner),
                                         .drafter = nullptr,
                                         .rules = AnswerRules(*text.tokenizer, loaded.vocab, text.end_ids),
                                         .pooler = StatePooler(/*takes_mean=*/true)},
                                        stats, [&](const std::vector<TokenEvent>& more) {
                                          std::lock_guard lock(mutex);
                                          for (const TokenEvent& event : more) {
                                            events.push_back(event);
                                            if (event.finish != FinishReason::kNone) ended.release();
                                          }
                                        });
  for (int64_t id = 1; id <= 2; ++id) {
    loop->Add({.id = id,
               .prompt = RandomTokens(1, kTokens),
               .params = {.ignore_eos = true, .max_tokens = 3},
               .reads_hidden_states = true},
              TimePoint::max(), {});
    ended.acquire();
  }
  loop->Stop();
  ASSERT_EQ(events.size(), 4u) << "three tokens of the first, one end of the second";
  EXPECT_FALSE(events[0].embedding.empty());
  EXPECT_EQ(events[3].error, absl::InternalError("states of a prompt are missing"));
  EXPECT_EQ(stats.Read().step.running, 0);
}

TEST(Embedding, TheHeadReadsNoTokenOfThePromptButItsLast) {
  const auto engine = OpenEngine(Q8Model(), {.max_num_seqs = 1, .max_num_batched_tokens = 64, .pooling = "mean"});
  Values(*engine, RandomTokens(1, 60));
  EXPECT_EQ(engine->stats().step.steps, 1) << "rows of the head bound a step, to as many as sequences";
}

TEST(Embedding, FewerDimensionsAreTheFirstOnesScaledToLengthOne) {
  const std::vector<float> all = {3, 4, 12};
  EXPECT_EQ(ScaledEmbedding(all, 2), (std::vector<float>{0.6F, 0.8F}));
  EXPECT_EQ(ScaledEmbedding(all), (std::vector<float>{3 / 13.F, 4 / 13.F, 12 / 13.F}));
  EXPECT_EQ(ScaledEmbedding(std::vector<float>{0, 0}), (std::vector<float>{0, 0}));
}

TEST(Embedding, AModelThatKeepsItsStatesAnswersAsBefore) {
  const auto plain = OpenEngine(Q8Model()), keeping = OpenEngine(Q8Model(), {.pooling = "last"});
  const GenerationRequest request = Continue(RandomTokens(1, kTokens), 20);
  ExpectSame(Answer(*keeping, request), Answer(*plain, request), "with hidden states");
}

TEST(Embedding, TheSimtDeviceMakesTheCpusBits) {
  const EngineOptions options{.numerics = Numerics::kExact, .max_model_len = 64, .max_num_seqs = 1, .pooling = "mean"};
  EngineOptions simt = options;
  simt.device = "simt";
  EXPECT_EQ(Values(*OpenEngine(Q8Model(), simt), RandomTokens(1, 5)),
            Values(*OpenEngine(Q8Model(), options), RandomTokens(1, 5)));
}

TEST(Embedding, WithoutPoolingNoneIsMade) {
  const auto engine = OpenEngine(Q8Model());
  EXPECT_EQ(engine->model().embedding_size, 0);
  const auto refused = engine->Generate(EmbeddingRequest({.prompt = "x"}));
  EXPECT_THAT(std::string(Message(refused.status())), HasSubstr("pooling last or mean"));
  const auto unknown = Engine::Create({.model = Q8Model().path(), .pooling = "max"});
  EXPECT_THAT(std::string(Message(unknown.status())), HasSubstr("pooling is max"));
}

}  // namespace
}  // namespace engine
