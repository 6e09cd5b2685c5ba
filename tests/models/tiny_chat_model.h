// A tiny random llama with everything an engine needs to chat: weights of any format, a tokenizer and a chat template.
//
// Its tokens: id b is the byte b, then a few pairs of letters, then three control tokens; the embedding table has a few
// rows more than the tokenizer has ids, as published models do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/dtype.h"
#include "core/base/status.h"
#include "tests/support/int4_writer.h"

namespace engine {

inline constexpr int kTinyVocab = 266;
inline constexpr int32_t kTinyEndOfText = 263;
inline constexpr int32_t kTinyTurnStart = 264;
inline constexpr int32_t kTinyTurnEnd = 265;
inline constexpr int kTinyContext = 512;

struct TinyChatModel {
  // f32, f16, bf16: a Hugging Face directory; w8 and w4_gN too, with vectors and the embedding as f32. Another block format:
  // a GGUF file, where vectors stay f32.
  DType weights = DType::kF32;
  Int4Scheme scheme = Int4Scheme::kCompressed;  // of w4_gN
  std::optional<DType> head = std::nullopt;     // of w8 and w4_gN: f32, f16 or bf16, as most such checkpoints leave it
  int hidden = 256;                             // K-quants have blocks of 256 values, so every row has as many
  bool sliding_window = false;         // its last layer sees 48 tokens, so that there are two cache groups; no GGUF
  int32_t nan_token = -1;              // reading this token gives logits that are not finite
  std::string generation_config = "";  // the text of generation_config.json; no GGUF
};

// Writes the model into an existing directory and returns the path to open.
absl::StatusOr<std::string> WriteTinyChatModel(const TinyChatModel& model, const std::string& directory);

// Every format a checkpoint of it can have.
inline constexpr DType kTinyFormats[] = {DType::kF32,    DType::kF16,  DType::kBF16,  DType::kQ4_0,
                                         DType::kQ4_1,   DType::kQ5_0, DType::kQ5_1,  DType::kQ8_0,
                                         DType::kQ4_K,   DType::kQ5_K, DType::kQ6_K,  DType::kIQ4_NL,
                                         DType::kIQ4_XS, DType::kW8,   DType::kW4G64, DType::kW4G128Bf16};

}  // namespace engine
