// A tokenizer that a GGUF file carries as lists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace engine {

// The tokenizer.ggml.* keys. Lists are borrowed; those that a file lacks are empty.
struct GgufVocabulary {
  std::string_view model;                // "gpt2": byte-level BPE by merges; "llama": SentencePiece BPE by scores
  std::string_view pre;                  // gpt2: names the regular expression that splits text into words
  std::vector<std::string_view> tokens;  // by id
  std::vector<double> scores;            // llama: of each token
  std::vector<int64_t> types;            // of each token: 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte
  std::vector<std::string_view> merges;  // gpt2: "left right", by rank
  int64_t bos = -1;
  int64_t unknown = -1;
  std::optional<bool> add_bos;   // before every text; not said: as the model and `pre` usually have it
  bool add_space_prefix = true;  // llama: texts are read as if they began with a blank
};

// The same tokenizer as the text of a tokenizer.json.
absl::StatusOr<std::string> TokenizerJson(const GgufVocabulary& vocabulary);

}  // namespace engine
