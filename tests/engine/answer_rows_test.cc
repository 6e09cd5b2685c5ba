// What a request is held to, row by row of one step.
#include "engine/answer_rules.h"
#include "engine/load_model.h"
#include "engine/model_text.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

TEST(AnswerRows, OnlyTheOneBehindADraftIsStuckWhereTheDraftLeavesNothing) {
  const ModelOnDisk model({.weights = DType::kQ8_0});
  auto opened = *OpenModel({.model = model.path(), .threads = 1});
  const ModelText text = *LoadModelText(*opened.checkpoint);
  const LoadedModel loaded = *LoadModel(opened);
  AnswerRules rules(*text.tokenizer, loaded.vocab, text.end_ids);
  const std::vector<std::string> bad_words = {"aa"};
  rules.Add(1, {.tokens = *TokenRules::Create({{'a'}}, bad_words, *text.tokenizer, loaded.vocab)});
  Sequence sequence{.id = 1, .max_draft = 1, .tokens = {'x'}, .prompt_tokens = 1, .capacity = 8};
  sequence.draft = {.tokens = {'a'}, .size = 1, .verify = 1};
  StepPlan plan;
  plan.Append(sequence, /*num_tokens=*/2, /*num_drafted=*/1);
  rules.FillMasks(plan, *loaded.runner);
  EXPECT_TRUE(rules.ErrorOf(1, 1).ok());
  EXPECT_THAT(std::string(rules.ErrorOf(1, 2).message()), ::testing::HasSubstr("no token is left to draw"));
}

}  // namespace
}  // namespace engine
