#include "core/weights/source_tensor.h"

#include "absl/strings/str_join.h"

namespace engine {

int64_t NumValues(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

absl::StatusOr<int64_t> SourceBytes(std::string_view name, DType dtype, std::span<const int64_t> shape) {
  const DTypeInfo& info = Info(dtype);
  const int64_t row_values = shape.empty() ? 1 : shape.back();
  if (row_values % info.block_values != 0) {
    return InvalidArgument("tensor %s of shape %s: rows of %d values do not fill %s blocks of %d", name,
                           ShapeText(shape), row_values, info.name, info.block_values);
  }
  int64_t count = 1;
  for (const int64_t dimension : shape) {
    if (dimension < 0) return InvalidArgument("tensor %s: shape %s has a negative dimension", name, ShapeText(shape));
    if (__builtin_mul_overflow(count, dimension, &count)) {
      return InvalidArgument("tensor %s: shape %s has more values than 64 bits can count", name, ShapeText(shape));
    }
  }
  int64_t bytes = 0;
  if (__builtin_mul_overflow(count / info.block_values, int64_t{info.block_bytes}, &bytes)) {
    return InvalidArgument("tensor %s: shape %s has more bytes than 64 bits can count", name, ShapeText(shape));
  }
  return bytes;
}

std::string ShapeText(std::span<const int64_t> shape) {
  return absl::StrFormat("[%s]", absl::StrJoin(shape.begin(), shape.end(), ", "));
}

}  // namespace engine
