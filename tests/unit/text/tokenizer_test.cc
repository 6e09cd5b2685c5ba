#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "core/base/utf8.h"
#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

constexpr unsigned kSeed = 7;
constexpr int32_t kEndOfText = 263, kImEnd = 265, kThink = 267;  // of ByteLevelTokenizer

Ids Encode(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  const auto ids = tokenizer.Encode(text, options);
  EXPECT_TRUE(ids.ok()) << ids.status() << " for " << text;
  return ids.ok() ? *ids : Ids();
}

std::string Decode(const Tokenizer& tokenizer, const Ids& ids, bool skip_special = false) {
  const auto text = tokenizer.Decode(ids, skip_special);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *text : std::string();
}

std::string ErrorOf(const std::string& json) { return std::string(Tokenizer::FromJson(json).status().message()); }

TEST(Tokenizer, MergesBytesByRank) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_THAT(Encode(*tokenizer, "the the abc"), ElementsAre(257, 258, ' ', 262));
  EXPECT_EQ(Decode(*tokenizer, {257, 258, ' ', 262}), "the the abc");
}

TEST(Tokenizer, WritesCharactersWithoutAPieceAsBytes) {
  const auto tokenizer = Load(ByteFallbackTokenizer());
  const Ids ids = Encode(*tokenizer, "é");
  EXPECT_THAT(ids, ElementsAre(270, 3 + 0xc3, 3 + 0xa9));
  EXPECT_EQ(Decode(*tokenizer, ids), "é");
}

TEST(Tokenizer, ReadsWhatItWrote) {
  std::mt19937 random(kSeed);
  for (const Json& json : {ByteLevelTokenizer(), ByteFallbackTokenizer()}) {
    const auto tokenizer = Load(json);
    for (int i = 0; i < 500; ++i) {
      const std::string text = RandomText(random, 12);
      ASSERT_EQ(Decode(*tokenizer, Encode(*tokenizer, text)), text) << "seed " << kSeed << ", round " << i;
    }
  }
}

TEST(Tokenizer, ReadsSpecialTokensOnlyWhenAsked) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_THAT(Encode(*tokenizer, "a<|im_end|>", {.parse_special = true}), ElementsAre('a', kImEnd));
  EXPECT_EQ(Encode(*tokenizer, "<|im_end|>").size(), 10u);
  EXPECT_THAT(Encode(*tokenizer, "<think>"), ElementsAre(kThink));  // added, but no control token
}

// All these calls take a small part of what the long text does. Did they wait for it, few would end between two of its
// encodings.
TEST(Tokenizer, ReadsShortTextsWhileALongOneIsEncoded) {
  constexpr int kCalls = 5000;
  const auto tokenizer = Load(ByteLevelTokenizer());
  std::string text;
  while (text.size() < size_t{1} << 20) text += "<|im_start|>the thing in abc ";
  std::atomic<bool> has_started = false, has_ended = false;
  int encodings = 0;
  std::thread encoder([&] {
    for (has_started = true; !has_ended; ++encodings) Encode(*tokenizer, text, {.parse_special = true});
  });
  while (!has_started) std::this_thread::yield();
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_EQ(Encode(*tokenizer, "<|im_end|>").size(), 10u);
    EXPECT_EQ(tokenizer->Spelling(258), "Ġthe");
  }
  has_ended = true;
  encoder.join();
  EXPECT_LT(encodings, 5);
}

TEST(Tokenizer, NeverMakesAControlTokenOfPlainText) {
  std::mt19937 random(kSeed);
  for (const Json& base : {ByteLevelTokenizer(), ByteFallbackTokenizer()}) {
    for (int flags = 0; flags < 8; ++flags) {
      const auto tokenizer = Load(WithFlags(base, flags & 1, flags & 2, flags & 4));
      for (int i = 0; i < 100; ++i) {
        const std::string text = RandomText(random, 12);
        for (const int32_t id : Encode(*tokenizer, text)) {
          ASSERT_FALSE(tokenizer->IsSpecial(id))
              << text << ", seed " << kSeed << ", flags " << flags << ", round " << i;
        }
      }
    }
  }
}

TEST(Tokenizer, RefusesPlainTextThatItsModelWouldMakeAControlToken) {
  const auto tokenizer = Load(Json::parse(R"({"version": "1.0",
    "added_tokens": [{"id": 1, "content": "STOP", "special": true, "single_word": false, "lstrip": false,
                      "rstrip": false, "normalized": false}],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "STOP": 1, "go": 2}, "unk_token": "[UNK]"}})"));
  EXPECT_THAT(Encode(*tokenizer, "go here"), ElementsAre(2, 0));
  EXPECT_THAT(std::string(tokenizer->Encode("go STOP", {}).status().message()), HasSubstr("control token STOP"));
  EXPECT_THAT(Encode(*tokenizer, "go STOP", {.parse_special = true}), ElementsAre(2, 1));
}

TEST(Tokenizer, PutsBosBeforeATextWhenAsked) {
  const auto tokenizer = Load(ByteFallbackTokenizer());
  EXPECT_THAT(Encode(*tokenizer, "the", {.add_special = true}), ElementsAre(1, ::testing::_));
  EXPECT_THAT(Encode(*tokenizer, "", {.add_special = true}), ElementsAre(1));
  EXPECT_THAT(Encode(*tokenizer, "", {}), ElementsAre());
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_THAT(std::string(tokenizer->Encode("a\xff\xc3z", {}).status().message()), HasSubstr("byte 1 is 0xff"));
}

TEST(Tokenizer, SkipsIdsWithoutAToken) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_EQ(Decode(*tokenizer, {'a', -1, 99999, INT32_MAX, INT32_MIN, 'b'}), "ab");
  EXPECT_EQ(tokenizer->Spelling(-1), "");
  EXPECT_EQ(tokenizer->Spelling(99999), "");
  EXPECT_FALSE(tokenizer->IsSpecial(-1));
}

TEST(Tokenizer, LeavesControlTokensOutWhenAsked) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_EQ(Decode(*tokenizer, {'a', kImEnd, kThink, 'b'}, true), "a<think>b");
  EXPECT_EQ(Decode(*tokenizer, {'a', kImEnd, 'b'}), "a<|im_end|>b");
}

TEST(Tokenizer, DescribesItself) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_EQ(tokenizer->vocab_size(), 268);
  EXPECT_EQ(tokenizer->added_tokens().size(), 5u);
  EXPECT_EQ(tokenizer->IdOfAdded("<|endoftext|>"), kEndOfText);
  EXPECT_EQ(tokenizer->IdOfAdded("the"), -1);
  EXPECT_TRUE(tokenizer->IsSpecial(kImEnd));
  EXPECT_FALSE(tokenizer->IsSpecial(kThink));
  EXPECT_EQ(tokenizer->Spelling(258), "Ġthe");
}

TEST(Tokenizer, CutsNoText) {
  Json json = ByteLevelTokenizer();
  json["truncation"] = {{"direction", "Right"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
  json["padding"] = {
      {"strategy", {{"Fixed", 9}}}, {"direction", "Right"}, {"pad_to_multiple_of", nullptr}, {"pad_id", 0},
      {"pad_type_id", 0},           {"pad_token", "<pad>"}};
  EXPECT_EQ(Encode(*Load(json), "xyzxyz").size(), 6u);
}

TEST(Tokenizer, RefusesTextsBeyondItsLimit) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  const auto ids = tokenizer->Encode(std::string((size_t{32} << 20) + 1, 'a'), {});
  EXPECT_THAT(std::string(ids.status().message()), HasSubstr("at most 33554432"));
}

TEST(TokenizerJson, RefusesWhatIsNoTokenizer) {
  for (const char* text : {"", "{", "[]", "null", "{}", R"({"model": 3})", R"({"model": {"type": "BPE"}})", "\xff"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("tokenizer.json: ")) << text;
  }
}

TEST(TokenizerJson, RefusesEveryTruncation) {
  const std::string text = ByteLevelTokenizer().dump();
  for (size_t size = 0; size < text.size(); size += 37) {
    EXPECT_FALSE(Tokenizer::FromJson(std::string_view(text).substr(0, size)).ok()) << size;
  }
}

TEST(TokenizerJson, SurvivesFlippedBits) {
  std::mt19937 random(kSeed);
  for (const Json& json : {ByteLevelTokenizer(), ByteFallbackTokenizer()}) {
    const std::string text = json.dump();
    for (int i = 0; i < 300; ++i) {
      std::string flipped = text;
      for (int n = 0; n < 3; ++n) flipped[random() % text.size()] ^= static_cast<char>(1 << random() % 8);
      const auto tokenizer = Tokenizer::FromJson(flipped);
      if (tokenizer.ok()) static_cast<void>((*tokenizer)->Encode("the é <|im_end|> x", {.parse_special = true}));
    }
  }
}

TEST(TokenizerJson, NamesWhatContradicts) {
  Json json = ByteLevelTokenizer();
  json["added_tokens"][0]["id"] = 9000;
  EXPECT_THAT(ErrorOf(json.dump()), HasSubstr("\"<|endoftext|>\" has id 9000"));
  json = ByteLevelTokenizer();
  json["model"]["merges"].push_back({"zz", "q"});
  EXPECT_THAT(ErrorOf(json.dump()), HasSubstr("zz"));
  json = ByteLevelTokenizer();
  json["model"]["dropout"] = 0.5;
  EXPECT_THAT(ErrorOf(json.dump()), HasSubstr("dropout is 0.5"));
  json = ByteLevelTokenizer();
  json["model"]["vocab"]["x y"] = uint32_t{4000000000};
  json["added_tokens"] = Json::array();
  EXPECT_THAT(ErrorOf(json.dump()), HasSubstr("largest id is 4000000000"));
}

TEST(TokenizerJson, RefusesPatternsThatTakeForever) {
  Json json = ByteLevelTokenizer();
  for (const char* pattern : {"(a+)+$(?!b)", "((a|a)*)*(?<!x)c", "(x+x+)+(?=z)y"}) {
    json["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    EXPECT_FALSE(Tokenizer::FromJson(json.dump()).ok()) << pattern;
  }
  json["pre_tokenizer"]["pattern"]["Regex"] = "(";
  EXPECT_THAT(ErrorOf(json.dump()), HasSubstr("regular expression ( is not valid"));
  json["pre_tokenizer"]["pattern"]["Regex"] = std::string(100000, '(');
  EXPECT_FALSE(Tokenizer::FromJson(json.dump()).ok());
}

TEST(TokenizerJson, RefusesNormalizersThatMultiplyText) {
  Json json = ByteLevelTokenizer();
  const Json twice = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", std::vector<Json>(60, twice)}};
  EXPECT_THAT(ErrorOf(json.dump()), HasSubstr("its normalizer makes text"));
}

TEST(TokenizerJson, RefusesDeepNesting) {
  std::string text = R"({"normalizer": )";
  for (int i = 0; i < 50000; ++i) text += R"({"type": "Sequence", "normalizers": [)";
  EXPECT_FALSE(Tokenizer::FromJson(text).ok());
  EXPECT_FALSE(Tokenizer::FromJson(std::string(1000000, '[')).ok());
}

TEST(TokenizerJson, RefusesFilesBeyondItsLimit) {
  EXPECT_THAT(ErrorOf(std::string((size_t{64} << 20) + 1, ' ')), HasSubstr("at most 67108864 are read"));
}

}  // namespace
}  // namespace engine
