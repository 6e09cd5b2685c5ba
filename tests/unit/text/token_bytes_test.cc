#include "text/token_bytes.h"

#include <gtest/gtest.h>

#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

TEST(TokenBytes, OfAByteLevelVocabularyAreEveryByte) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(TokenBytes(*tokenizer, byte), std::string(1, static_cast<char>(byte))) << byte;
  }
}

TEST(TokenBytes, PutTogetherAreTheText) {
  for (const auto& json : {ByteLevelTokenizer(), ByteFallbackTokenizer()}) {
    const auto tokenizer = Load(json);
    for (const std::string text : {"the abc", "é中😀 \n", "a  b"}) {
      std::string bytes;
      const auto ids = tokenizer->Encode(text, {});
      for (const int32_t id : *ids) bytes += TokenBytes(*tokenizer, id);
      if (bytes.starts_with(' ')) bytes.erase(0, 1);  // the blank that SentencePiece puts before a text
      EXPECT_EQ(bytes, text);
    }
  }
}

TEST(TokenBytes, OfAControlTokenAreItsText) {
  const auto tokenizer = Load(ByteLevelTokenizer());
  EXPECT_EQ(TokenBytes(*tokenizer, tokenizer->IdOfAdded("<|im_end|>")), "<|im_end|>");
}

TEST(TokenBytes, OfAnUnknownIdAreNone) { EXPECT_EQ(TokenBytes(*Load(ByteLevelTokenizer()), 1 << 20), ""); }

}  // namespace
}  // namespace engine
