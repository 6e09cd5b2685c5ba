// What is computed, never how: an op's contract as plain functions, and a use of it with its attributes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/device/step_extents.h"
#include "core/tensor/spec.h"

namespace engine {

class GraphBuilder;
class OpRef;
struct LaunchArgs;
using ValueId = int32_t;

// Work of one launch. bytes: what must be read and written at least once. operations: 2 per multiply-add.
struct Cost {
  int64_t bytes = 0;
  int64_t operations = 0;
};

// One per op, a constant. Functions marked optional may be null.
struct OpSchema {
  std::string_view name;

  // Types of the outputs, or which input is wrong and what it must be.
  absl::StatusOr<std::vector<TensorSpec>> (*infer)(const OpRef& op, std::span<const TensorSpec> in) = nullptr;

  Cost (*cost)(const OpRef& op, std::span<const TensorSpec> in, std::span<const TensorSpec> out,
               const StepExtents& extents) = nullptr;

  // The definition of the result, in plain loops over row-major tensors. Runs on worker 0; the others return at once.
  void (*reference)(const OpRef& op, const LaunchArgs& args) = nullptr;

  // Optional. Attributes as text: "epsilon=1e-05".
  std::string (*describe)(const OpRef& op) = nullptr;

  // Optional. Fused ops: the same values from smaller ops, for devices without a fused kernel.
  absl::StatusOr<std::vector<ValueId>> (*decompose)(const OpRef& op, GraphBuilder& builder,
                                                    std::span<const ValueId> in) = nullptr;

  // Optional. The dtype in which a kernel wants input `index`, where that differs from what the model gives it
  // (quantised activations): lowering inserts one conversion and shares it.
  std::optional<DType> (*input_dtype)(const OpRef& op, int index) = nullptr;

  // Optional. The same op storing output `index` as `dtype`: lowering fuses a conversion into its producer with it.
  std::optional<OpRef> (*with_output_dtype)(const OpRef& op, int index, DType dtype) = nullptr;

  // Index of the input that the op writes in place (a cache), or -1.
  int mutated_input = -1;
};

// An op with its attributes: a value, cheap to copy.
class OpRef {
 public:
  template <typename Attributes>
  OpRef(const OpSchema& schema, Attributes attributes)
      : schema_(&schema), attributes_(std::make_shared<const Attributes>(std::move(attributes))) {}

  const OpSchema& schema() const { return *schema_; }
  std::string_view name() const { return schema_->name; }
  std::string to_string() const;  // "rms_norm{epsilon=1e-05}"

  // Attributes must be the type the op was made with, which the schema determines.
  template <typename Attributes>
  const Attributes& as() const {
    return *static_cast<const Attributes*>(attributes_.get());
  }

 private:
  const OpSchema* schema_;
  std::shared_ptr<const void> attributes_;  // shared: copies of a node's op point at one constant
};

}  // namespace engine
