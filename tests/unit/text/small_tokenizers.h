// Small tokenizers for tests, as the texts of tokenizer.json files and as the lists of a GGUF file.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"

namespace engine {

using Json = nlohmann::ordered_json;

// How GPT-2 spells a byte as a printable character.
std::string ByteSpelling(int byte);

// Ids 0 to 255 are the bytes, 256 on the merges "th", "the", " the", "in", "ing", "ab", "abc"; then control tokens
// <|endoftext|>, <|im_start|>, <|im_end|> and <pad>, and <think>, which is none.
Json ByteLevelTokenizer();

// SentencePiece-like: <unk>, <s>, </s>, 256 byte tokens, then pieces with U+2581 for blanks. BOS comes before a text.
Json ByteFallbackTokenizer();

// The control tokens' flags change how their surroundings are read.
Json WithFlags(Json tokenizer, bool lstrip, bool rstrip, bool normalized);

std::unique_ptr<Tokenizer> Load(const Json& json);

// The lists of a GGUF file; owns the texts that the vocabulary borrows.
struct GgufLists {
  std::vector<std::string> tokens, merges;
  GgufVocabulary vocabulary;
};
std::unique_ptr<GgufLists> ByteLevelLists();      // the vocabulary of ByteLevelTokenizer
std::unique_ptr<GgufLists> SentencePieceLists();  // pieces with scores

// A text of up to `max_pieces` fragments: words, blanks, digits, several scripts, pieces of special tokens.
std::string RandomText(std::mt19937& random, int max_pieces);

}  // namespace engine
