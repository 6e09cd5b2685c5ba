// Rows of row-major tensors, as references and costs see them.
#pragma once

#include <span>

#include "core/device/step_extents.h"
#include "core/kernel/op.h"
#include "core/tensor/tensor.h"

namespace engine {

inline int64_t NumRows(const Tensor& tensor, const StepExtents& extents) {
  return Resolve(tensor.spec->shape.leading(), extents);
}

inline std::byte* RowAt(const Tensor& tensor, int64_t row) { return tensor.data + row * tensor.spec->row_bytes(); }

// Row of an f32 tensor; of a vector, all of it.
inline std::span<float> FloatRow(const Tensor& tensor, int64_t row) {
  return {reinterpret_cast<float*>(RowAt(tensor, row)), static_cast<size_t>(tensor.spec->shape.row_elements())};
}
inline std::span<const float> FloatVector(const Tensor& tensor) {
  return {tensor.as<float>(), static_cast<size_t>(tensor.spec->shape.leading())};
}

// Bytes of the whole tensor in this step.
inline int64_t BytesOf(const TensorSpec& spec, const StepExtents& extents) {
  return Resolve(spec.shape.leading(), extents) * spec.row_bytes();
}
inline int64_t BytesOf(std::span<const TensorSpec> specs, const StepExtents& extents) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : specs) bytes += BytesOf(spec, extents);
  return bytes;
}

inline int64_t ElementsOf(const TensorSpec& spec, const StepExtents& extents) {
  return Resolve(spec.shape.leading(), extents) * spec.shape.row_elements();
}

// Ops that read every input and write every output once, with `operations` per element of their last output.
inline Cost ElementwiseCost(std::span<const TensorSpec> in, std::span<const TensorSpec> out, const StepExtents& extents,
                            int64_t operations) {
  return {.bytes = BytesOf(in, extents) + BytesOf(out, extents),
          .operations = operations * ElementsOf(out.back(), extents)};
}

}  // namespace engine
