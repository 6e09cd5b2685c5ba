// The type of a tensor: what its numbers mean, how many there are, and where their bytes lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/dtype.h"
#include "core/tensor/shape.h"

namespace engine {

// Names an arrangement of bytes. The layout is part of a tensor's type, so packed data cannot reach a kernel that reads
// another arrangement. The name must outlive the id (a string literal).
struct LayoutId {
  std::string_view name;
  bool operator==(const LayoutId&) const = default;
};

// Rows one after the other, elements of a row in order, as checkpoints store them.
inline constexpr LayoutId kRowMajor{"row_major"};
// A weight whose layout selection has not chosen yet.
inline constexpr LayoutId kOpenLayout{""};

struct TensorSpec {
  DType dtype = DType::kF32;
  Shape shape;
  LayoutId layout = kRowMajor;

  bool operator==(const TensorSpec&) const = default;
  std::string to_string() const;  // "f32[tokens, 576]", "q4_0[1536, 576]@panel16"

  // Bytes from one row to the next in a row-major tensor; for kQ8Group see core/tensor/q8_row.h.
  int64_t row_bytes() const;
};

}  // namespace engine
