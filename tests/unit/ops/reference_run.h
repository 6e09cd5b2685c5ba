// Runs references on small tensors.
#pragma once

#include <cstring>
#include <vector>

#include "core/kernel/op.h"

namespace engine {

struct OwnedTensor {
  TensorSpec spec;
  std::vector<std::byte> data;

  template <typename T>
  std::vector<T> as() const {
    std::vector<T> values(data.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), data.data(), values.size() * sizeof(T));
    return values;
  }
};

template <typename T>
OwnedTensor Make(TensorSpec spec, const std::vector<T>& values) {
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  return {spec, {data, data + values.size() * sizeof(T)}};
}
inline OwnedTensor Floats(Shape shape, const std::vector<float>& values) {
  return Make(TensorSpec{DType::kF32, shape}, values);
}
inline OwnedTensor Integers(Shape shape, const std::vector<int32_t>& values) {
  return Make(TensorSpec{DType::kI32, shape}, values);
}

// Outputs of the op's reference; a mutated input is changed in place.
std::vector<OwnedTensor> RunReference(const OpRef& op, std::vector<OwnedTensor>& in, const StepExtents& extents);

// The same for inputs that do not change.
template <typename Attributes>
std::vector<OwnedTensor> RunReference(const Attributes& attributes, std::vector<OwnedTensor> in,
                                      const StepExtents& extents) {
  return RunReference(OpRef(SchemaOf(attributes), attributes), in, extents);
}

// Outputs of the ops that the op decomposes into, each run by its reference.
std::vector<OwnedTensor> RunDecomposition(const OpRef& op, const std::vector<OwnedTensor>& in,
                                          const StepExtents& extents);

}  // namespace engine
