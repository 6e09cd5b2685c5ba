#include "text/gguf_vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/text/goldens.h"
#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ErrorOf(const GgufVocabulary& vocabulary) {
  const auto json = TokenizerJson(vocabulary);
  if (!json.ok()) return std::string(json.status().message());
  return std::string(Tokenizer::FromJson(*json).status().message());
}

std::unique_ptr<Tokenizer> LoadGguf(const GgufVocabulary& vocabulary) {
  const auto json = TokenizerJson(vocabulary);
  EXPECT_TRUE(json.ok()) << json.status();
  auto tokenizer = Tokenizer::FromJson(*json);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return std::move(*tokenizer);
}

// Borrows the golden's texts.
GgufVocabulary FromGolden(const Json& golden) {
  const auto texts = [&](const char* key) {
    std::vector<std::string_view> out;
    if (!golden.contains(key)) return out;
    for (const Json& text : golden[key]) out.push_back(text.get_ref<const std::string&>());
    return out;
  };
  return {.model = golden["model"].get_ref<const std::string&>(),
          .pre = golden["pre"].get_ref<const std::string&>(),
          .tokens = texts("tokens"),
          .scores = golden.value("scores", std::vector<double>()),
          .types = golden.value("types", std::vector<int64_t>()),
          .merges = texts("merges"),
          .bos = golden.value("bos", int64_t{-1}),
          .unknown = golden.value("unknown", int64_t{-1}),
          .add_bos = golden.value("add_bos", false),
          .add_space_prefix = golden.value("add_space_prefix", true)};
}

TEST(GgufVocabulary, GivesTheIdsAndTextsOfThePythonLibrary) {
  const Json goldens = ReadGoldens("vocabularies.json");
  for (const Json& golden : goldens["cases"]) {
    const auto tokenizer = LoadGguf(FromGolden(golden["vocabulary"]));
    for (size_t i = 0; i < goldens["texts"].size(); ++i) {
      const std::string text = goldens["texts"][i];
      const auto ids = tokenizer->Encode(text, {.parse_special = true, .add_special = true});
      ASSERT_TRUE(ids.ok()) << ids.status();
      EXPECT_EQ(*ids, golden["ids"][i].get<std::vector<int32_t>>()) << golden["vocabulary"]["pre"] << ": " << text;
      EXPECT_EQ(*tokenizer->Decode(*ids, true), golden["decoded"][i].get<std::string>()) << text;
    }
  }
}

TEST(GgufVocabulary, IsTheSameTokenizerAsItsJson) {
  const auto lists = ByteLevelLists();
  const auto from_lists = LoadGguf(lists->vocabulary);
  const auto from_json = Load(ByteLevelTokenizer());
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::string text = RandomText(random, 10);
    for (const bool parse_special : {false, true}) {
      ASSERT_EQ(*from_lists->Encode(text, {.parse_special = parse_special}),
                *from_json->Encode(text, {.parse_special = parse_special}))
          << text;
    }
  }
}

TEST(GgufVocabulary, MergesTheBestScoredNeighboursFirst) {
  const auto lists = SentencePieceLists();
  const auto tokenizer = LoadGguf(lists->vocabulary);
  const auto id = [&](std::string_view text) {
    return static_cast<int32_t>(std::ranges::find(lists->tokens, text) - lists->tokens.begin());
  };
  EXPECT_THAT(*tokenizer->Encode("the", {}), ElementsAre(id("\u2581the")));
  EXPECT_THAT(*tokenizer->Encode("the", {.add_special = true}), ElementsAre(1, id("\u2581the")));
  EXPECT_THAT(*tokenizer->Encode("中", {}), ElementsAre(id("\u2581"), 3 + 0xe4, 3 + 0xb8, 3 + 0xad));
}

TEST(GgufVocabulary, NeverMakesAControlTokenOfPlainText) {
  std::mt19937 random(5);
  for (const auto& lists : {ByteLevelLists(), SentencePieceLists()}) {
    const auto tokenizer = LoadGguf(lists->vocabulary);
    for (int round = 0; round < 500; ++round) {
      const std::string text = RandomText(random, 10);
      const auto ids = tokenizer->Encode(text, {});
      ASSERT_TRUE(ids.ok()) << ids.status();
      for (const int32_t id : *ids) ASSERT_FALSE(tokenizer->IsSpecial(id)) << text << ", round " << round;
    }
  }
}

// As llama.cpp has it: files rarely say.
TEST(GgufVocabulary, BeginsTextsWithBosWhereTheFamilyDoes) {
  const auto begins = [](std::string_view pre, std::optional<bool> add_bos) {
    auto lists = ByteLevelLists();
    lists->vocabulary.pre = pre;
    lists->vocabulary.bos = 1;
    lists->vocabulary.add_bos = add_bos;
    const auto tokenizer = Tokenizer::FromJson(*TokenizerJson(lists->vocabulary));
    return (*tokenizer)->Encode("a", {.add_special = true})->front() == 1;
  };
  for (const char* pre : {"llama3", "llama-bpe", "llama-v3", "tekken"}) EXPECT_TRUE(begins(pre, std::nullopt)) << pre;
  for (const char* pre : {"gpt-2", "qwen2", "smollm"}) EXPECT_FALSE(begins(pre, std::nullopt)) << pre;
  EXPECT_FALSE(begins("llama3", false));
  EXPECT_TRUE(begins("qwen2", true));
}

TEST(GgufVocabulary, NamesWhatIsMissingOrUnknown) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("tokenizer.ggml.tokens is missing"));
  auto lists = ByteLevelLists();
  lists->vocabulary.pre = "mystery";
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("\"mystery\""));
  lists = ByteLevelLists();
  lists->vocabulary.model = "bert";
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("\"bert\""));
}

TEST(GgufVocabulary, NamesListsThatContradict) {
  auto lists = ByteLevelLists();
  lists->vocabulary.types.pop_back();
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("token_type has 267 entries and tokens 268"));
  lists = SentencePieceLists();
  lists->vocabulary.scores.pop_back();
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("scores has 281 entries and tokens 282"));
  lists = SentencePieceLists();
  lists->vocabulary.bos = 9999;
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("bos"));
  lists = ByteLevelLists();
  lists->vocabulary.merges.push_back("nomerge");
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("merge 7 "));
  lists->vocabulary.merges.back() = "zz q";
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("zz"));
}

TEST(GgufVocabulary, RefusesTokensThatAreNoText) {
  auto lists = ByteLevelLists();
  lists->vocabulary.tokens[7] = "\xff";
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("token 7 is not valid UTF-8"));
  const std::string long_token(1025, 'a');
  lists->vocabulary.tokens[7] = long_token;
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("token 7 has 1025 bytes; at most 1024"));
  lists = ByteLevelLists();
  lists->vocabulary.merges[0] = "\xff \xfe";
  EXPECT_NE(ErrorOf(lists->vocabulary), "");
}

TEST(GgufVocabulary, RefusesTwoTokensOfOneSpelling) {
  auto lists = ByteLevelLists();
  lists->vocabulary.tokens[7] = lists->vocabulary.tokens[8];
  EXPECT_THAT(ErrorOf(lists->vocabulary), HasSubstr("tokens 7 and 8"));
}

}  // namespace
}  // namespace engine
