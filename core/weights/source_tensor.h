// One tensor as a checkpoint stores it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/dtype.h"
#include "core/base/status.h"
#include "core/weights/int4_tensor.h"

namespace engine {

// Tells an `engine pack` file's tensors from an author's: the bytes are those of a device's layout (core/kernel), rows in
// the graph's order, vectors as f32. Bytes of another version are arranged otherwise.
struct PackedLayout {
  std::string name;
  int version = 0;
};

// Every dtype found here is one that DequantizeRow (quant.h) reads: f32, f16, bf16 or a block format.
struct SourceTensor {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;       // slowest dimension first, as in torch; empty for a scalar
  std::span<const std::byte> data;  // borrowed from the mapping: all values in order, of any alignment …
  std::optional<PackedLayout> packed = std::nullopt;  // … unless they are packed …
  std::optional<Int4Tensor> int4 = std::nullopt;  // … or in other tensors, which rows are made of; then `data` is empty
};

// A tensor of a type that no weight has: part of a quantised one, perhaps, or an error if a model needs it.
struct RawTensor {
  std::string name;
  std::string dtype;                // as the file names it
  std::vector<int64_t> shape;       // not checked against `data`
  std::span<const std::byte> data;  // borrowed from the mapping
};

// Values in a tensor of this shape.
int64_t NumValues(std::span<const int64_t> shape);

// Bytes that a tensor of this type and shape occupies. Fails for a negative dimension, for a size beyond int64, and
// for rows that do not fill whole blocks; the message starts with the tensor's name.
absl::StatusOr<int64_t> SourceBytes(std::string_view name, DType dtype, std::span<const int64_t> shape);

// "[4096, 128]", for messages.
std::string ShapeText(std::span<const int64_t> shape);

}  // namespace engine
