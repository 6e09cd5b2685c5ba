// How a Hugging Face checkpoint says that its weights are quantised.
#pragma once

#include <string>

#include "core/base/status.h"
#include "nlohmann/json_fwd.hpp"

namespace engine {

enum class QuantizationScheme {
  kNone,        // unquantised, or int8 with a scale per output row, whose tensors need nothing done to them
  kAwq,         // AWQ's gemm layout, 4 bits
  kGptq,        // GPTQ, 4 bits; zero points stored as one less than they are
  kGptqV2,      // the same with zero points as they are
  kCompressed,  // pack-quantized of compressed-tensors, 4 bits
};

// The scheme of `config` (config.json, read from `name`). The error names the first setting that is not one of ours.
absl::StatusOr<QuantizationScheme> ReadQuantizationConfig(const nlohmann::ordered_json& config,
                                                          const std::string& name);

}  // namespace engine
