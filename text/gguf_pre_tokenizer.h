// How the byte-level tokenizers that GGUF files name split a text into words.
#pragma once

#include <string_view>

#include "core/base/status.h"
#include "nlohmann/json_fwd.hpp"

namespace engine {

struct PreTokenizer {
  std::string_view name;
  const char* regex;   // nullptr: GPT-2's own, built into ByteLevel
  bool single_digits;  // digits are split one by one before anything else
  bool compose;        // text is normalised to NFC
  bool whole_words;    // a word that is in the vocabulary as a whole is not merged (ignore_merges)
  bool adds_bos;       // unless the file says otherwise, as llama.cpp has it
};

// By tokenizer.ggml.pre.
absl::StatusOr<const PreTokenizer*> FindPreTokenizer(std::string_view name);

// As the `pre_tokenizer` of a tokenizer.json.
nlohmann::ordered_json PreTokenizerJson(const PreTokenizer& pre);

// The part of a tokenizer.json that spells bytes as letters, or reads them back. use_regex: by GPT-2's words.
nlohmann::ordered_json ByteLevelJson(bool use_regex);

}  // namespace engine
