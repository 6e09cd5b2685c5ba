#include "text/incremental_decoder.h"

#include <gtest/gtest.h>

#include "core/base/utf8.h"
#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

using Ids = std::vector<int32_t>;

constexpr unsigned kSeed = 3;

// The pieces put together; each must be valid UTF-8.
std::string Stream(const Tokenizer& tokenizer, const Ids& ids, bool skip_special) {
  IncrementalDecoder decoder(tokenizer, skip_special);
  std::string out;
  const auto add = [&](const absl::StatusOr<std::string>& piece) {
    ASSERT_TRUE(piece.ok()) << piece.status();
    EXPECT_TRUE(CheckUtf8(*piece).ok()) << *piece;
    out += *piece;
  };
  for (const int32_t id : ids) add(decoder.Append(id));
  add(decoder.Flush());
  return out;
}

TEST(IncrementalDecoder, HoldsAnUnfinishedCodePoint) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  IncrementalDecoder decoder(*tokenizer, false);
  EXPECT_EQ(*decoder.Append(0xe4), "");
  EXPECT_EQ(*decoder.Append(0xb8), "");
  EXPECT_EQ(*decoder.Append(0xad), "中");
  EXPECT_EQ(*decoder.Append('a'), "a");
  EXPECT_EQ(*decoder.Append(0xe4), "");
  EXPECT_EQ(*decoder.Flush(), "\uFFFD");
  EXPECT_EQ(*decoder.Flush(), "");
}

TEST(IncrementalDecoder, HoldsUnfinishedByteTokens) {
  const auto tokenizer = Load(ByteFallbackTokenizer());
  IncrementalDecoder decoder(*tokenizer, false);
  EXPECT_EQ(*decoder.Append(3 + 0xf0), "");
  EXPECT_EQ(*decoder.Append(3 + 0x9f), "");
  EXPECT_EQ(*decoder.Append(3 + 0x98), "");
  EXPECT_EQ(*decoder.Append(3 + 0x80), "😀");
}

TEST(IncrementalDecoder, KeepsTheBlankAfterASkippedToken) {
  const auto tokenizer = Load(ByteFallbackTokenizer());
  const Ids ids = {1, 273, 2, 2, 273};  // <s> " the" </s> </s> " the"
  EXPECT_EQ(Stream(*tokenizer, ids, true), "the the");
  EXPECT_EQ(Stream(*tokenizer, ids, true), *tokenizer->Decode(ids, true));
}

TEST(IncrementalDecoder, ShowsWhatDecodingTheWholeShows) {
  std::mt19937 random(kSeed);
  for (const Json& json : {ByteLevelTokenizer(), ByteFallbackTokenizer()}) {
    const auto tokenizer = Load(json);
    for (int round = 0; round < 300; ++round) {
      Ids ids;
      for (int part = 0; part < 3; ++part) {
        const auto more = tokenizer->Encode(RandomText(random, 8), {.parse_special = random() % 2 == 0});
        if (more.ok()) ids.insert(ids.end(), more->begin(), more->end());
        if (random() % 2 == 0) ids.push_back(tokenizer->added_tokens()[random() % 3].id);
      }
      for (const bool skip : {false, true}) {
        ASSERT_EQ(Stream(*tokenizer, ids, skip), *tokenizer->Decode(ids, skip))
            << "seed " << kSeed << ", round " << round;
      }
    }
  }
}

TEST(IncrementalDecoder, ShowsBrokenCodePointsAsDecodingTheWholeDoes) {
  std::mt19937 random(kSeed);
  const auto tokenizer = Load(ByteLevelTokenizer());
  for (int round = 0; round < 1000; ++round) {
    Ids ids;
    for (auto n = random() % 12; n > 0; --n) {
      constexpr int32_t kIds[] = {'a', 0xe4, 0xb8, 0xad, 0xf0, 0x9f, 0x98, 0x80, 0xff, 257, 265, 99999};
      ids.push_back(kIds[random() % std::size(kIds)]);
    }
    ASSERT_EQ(Stream(*tokenizer, ids, true), *tokenizer->Decode(ids, true)) << "seed " << kSeed << ", round " << round;
  }
}

// Letters that spell no byte are themselves, and so is the token they stand in.
TEST(IncrementalDecoder, ShowsAnAddedTokenThatIsNotSpelledInBytes) {
  Json json = ByteLevelTokenizer();
  Json token = json["added_tokens"].back();
  const int32_t id = token["id"].get<int32_t>() + 1;
  for (const char* text : {"<a b>", "é\u00ad", "中"}) {
    token["id"] = id;
    token["content"] = text;
    json["added_tokens"].push_back(token);
    const auto tokenizer = Load(json);
    const Ids ids = {'a', id, 0xe4, id, 'b'};
    EXPECT_EQ(Stream(*tokenizer, ids, false), *tokenizer->Decode(ids, false)) << text;
    json["added_tokens"].erase(json["added_tokens"].size() - 1);
  }
}

TEST(IncrementalDecoder, StaysValidWhenARunOfByteTokensIsSpoilt) {
  std::mt19937 random(kSeed);
  const auto tokenizer = Load(ByteFallbackTokenizer());
  for (int round = 0; round < 500; ++round) {
    Ids ids;
    for (auto n = random() % 30; n > 0; --n) ids.push_back(static_cast<int32_t>(random() % 280));
    Stream(*tokenizer, ids, random() % 2 == 0);
  }
}

TEST(IncrementalDecoder, ShowsControlTokensThatAreKept) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  IncrementalDecoder decoder(*tokenizer, /*skip_special=*/true, /*kept=*/{265});
  std::string text;
  for (const int32_t id : Ids{'a', 264, 265, 'b'}) text += *decoder.Append(id);
  EXPECT_EQ(text, "a<|im_end|>b");
}

TEST(IncrementalDecoder, ShowsEndlessBrokenBytesInBoundedTime) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  IncrementalDecoder decoder(*tokenizer, false);
  size_t shown = 0;
  for (int i = 0; i < 20000; ++i) shown += decoder.Append(0xff)->size();
  for (int i = 0; i < 20000; ++i) shown += decoder.Append(99999)->size();
  EXPECT_GE(shown, 3u * (20000 - 16));
}

}  // namespace
}  // namespace engine
