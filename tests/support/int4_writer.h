// Writes 4-bit weights as the tensors of each scheme that has them, a nibble at a time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/dtype.h"
#include "core/weights/safetensors_writer.h"
#include "nlohmann/json.hpp"

namespace engine {

enum class Int4Scheme { kCompressed, kAwq, kGptq, kGptqV2 };
inline constexpr Int4Scheme kInt4Schemes[] = {Int4Scheme::kCompressed, Int4Scheme::kAwq, Int4Scheme::kGptq,
                                              Int4Scheme::kGptqV2};

// The quantization_config of a checkpoint.
nlohmann::ordered_json Int4Config(Int4Scheme scheme);

// Zero points that the scheme can store: from the first to the second.
struct ZeroPoints {
  int least, most;
};
ZeroPoints ZeroPointsOf(Int4Scheme scheme);

// An [n, k] weight; `rows` are n rows of `dtype`, a format of 4-bit integers (w4_gN). GPTQ's comes with its list of groups.
struct Int4Weight {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  int64_t n, k;
  DType dtype;
  std::span<const std::byte> rows;
};
void AddInt4(const Int4Weight& weight, Int4Scheme scheme, SafetensorsWriter& writer);

}  // namespace engine
