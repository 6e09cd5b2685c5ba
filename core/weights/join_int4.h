// Finds the tensors that 4-bit weights were stored as, and puts them together.
#pragma once

#include "core/weights/checkpoint.h"
#include "core/weights/quantization_config.h"

namespace engine {

// Adds a tensor "x.weight" to `contents` for every "x.qweight" (AWQ and GPTQ) or "x.weight_packed" (compressed-tensors).
// Shapes and types are checked; the error names the tensor that does not fit.
absl::Status JoinInt4(QuantizationScheme scheme, CheckpointContents& contents);

}  // namespace engine
