// Writes small safetensors files: for tests, and for the model that the selftest brings along.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/dtype.h"
#include "nlohmann/json.hpp"

namespace engine {

class SafetensorsWriter {
 public:
  // Values in torch order, stored as f32, f16 or bf16.
  SafetensorsWriter& AddTensor(std::string_view name, DType dtype, std::vector<int64_t> shape,
                               std::span<const float> values);
  // Bytes of a type that the engine may not know.
  SafetensorsWriter& AddRaw(std::string_view name, std::string_view dtype, std::vector<int64_t> shape,
                            std::string_view data);

  std::string Bytes() const;

  // A file of any header and data, for tests of invalid ones.
  static std::string Assemble(std::string_view header, std::string_view data);

 private:
  nlohmann::ordered_json header_ = nlohmann::ordered_json::object();
  std::string data_;
};

}  // namespace engine
