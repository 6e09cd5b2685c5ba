// Writes small GGUF files for tests: keys and tensors in, bytes or files out.
//
//   GgufWriter writer;
//   writer.Set("general.architecture", "llama").Set("llama.block_count", 2u);
//   writer.AddTensor("token_embd.weight", DType::kQ4_0, {32, 64}, values);
//   const std::string path = temp_dir.Write("tiny.gguf", writer.Bytes());
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/dtype.h"

namespace engine {

class GgufWriter {
 public:
  // The value's C++ type is the type written: uint32_t for counts, float for real numbers, as converters do.
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  GgufWriter& Set(std::string_view key, T value) {
    return AddEntry(key, TypeId<T>(), Raw(value));
  }
  GgufWriter& Set(std::string_view key, std::string_view text) { return AddEntry(key, kStringType, Text(text)); }
  GgufWriter& Set(std::string_view key, const std::vector<std::string>& texts);
  template <typename T>
  GgufWriter& Set(std::string_view key, const std::vector<T>& values) {
    std::string items;
    for (const T value : values) items += Raw(value);
    return AddEntry(key, kArrayType, Raw(TypeId<T>()) + Raw(uint64_t{values.size()}) + items);
  }

  // Values in torch order; the shape's slowest dimension first. They are quantised to `dtype`.
  GgufWriter& AddTensor(std::string_view name, DType dtype, std::vector<int64_t> shape, std::span<const float> values);

  // The file; part `part` of `num_parts` if the model is split, with the keys in the first part and the tensors dealt
  // out in turn.
  std::string Bytes() const { return Bytes(0, 1); }
  std::string Bytes(int part, int num_parts) const;

 private:
  static constexpr uint32_t kStringType = 8;
  static constexpr uint32_t kArrayType = 9;

  struct Tensor {
    std::string name;
    uint32_t type;
    std::vector<int64_t> shape;
    std::string data;
  };

  template <typename T>
  static constexpr uint32_t TypeId() {
    if constexpr (std::same_as<T, bool>) return 7;
    if constexpr (std::same_as<T, float>) return 6;
    if constexpr (std::same_as<T, double>) return 12;
    // u8, i8, u16, i16, u32, i32 are 0 to 5; u64 and i64 are 10 and 11.
    constexpr uint32_t kUnsignedIds[] = {0, 2, 4, 10};
    return kUnsignedIds[std::bit_width(sizeof(T)) - 1] + (std::signed_integral<T> ? 1 : 0);
  }
  template <typename T>
  static std::string Raw(T value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static std::string Text(std::string_view text) { return Raw(uint64_t{text.size()}) + std::string(text); }

  GgufWriter& AddEntry(std::string_view key, uint32_t type, const std::string& value);

  std::vector<std::string> entries_;
  std::vector<Tensor> tensors_;
};

}  // namespace engine
