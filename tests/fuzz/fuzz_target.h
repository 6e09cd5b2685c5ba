// A fuzz target defines FuzzOne; fuzz_main.cc hands it what libFuzzer makes up.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/weights/quant.h"
#include "core/weights/source_tensor.h"
#include "models/models.h"
#include "nlohmann/json.hpp"

namespace engine {

// The input lives in an allocation of its own size, so that AddressSanitizer sees the first byte read past its end.
void FuzzOne(std::span<const std::byte> bytes);

// Reads all values of the tensors of a file that a parser accepted.
inline void ReadEveryRow(std::span<const SourceTensor> tensors) {
  for (const SourceTensor& tensor : tensors) {
    std::vector<float> values(static_cast<size_t>(NumValues(tensor.shape)));
    DequantizeRow(tensor.dtype, tensor.data, values);
  }
}

// A configuration that is accepted can be computed with.
inline void ParseAs(const ModelDefinition& model, const nlohmann::ordered_json& config) {
  ConfigReader reader(config, "config.json");
  const auto parsed = model.parse(reader);
  if (!parsed.ok()) return;
  std::vector<float> row(parsed->rope.rotary_dim);
  ComputeRopeTable(parsed->rope, /*first_position=*/0, row);
}

}  // namespace engine
