// Checks that inference shares. Errors say which input is wrong, what it is, and what it must be.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/tensor/spec.h"

namespace engine {

// One name per input, in order.
absl::Status ExpectInputs(std::span<const TensorSpec> in, std::initializer_list<std::string_view> names);

// Exactly this type, row-major.
absl::Status Expect(std::string_view name, const TensorSpec& spec, const TensorSpec& wanted);

// [rows, columns] of one of `dtypes`, row-major; `columns` 0 for any number.
absl::Status ExpectRows(std::string_view name, const TensorSpec& spec, std::initializer_list<DType> dtypes,
                        int64_t columns = 0);

// [n, k] in any layout; blocks must divide k. `k` 0 for any number.
absl::Status ExpectWeight(std::string_view name, const TensorSpec& spec, int64_t k = 0);

// Rows of `columns` elements can be stored as `out`: f32, bf16, or q8_group where groups divide the row.
absl::Status ExpectStorable(DType out, int64_t columns);

// A KV cache (ops/kv_layout.h) of f32, bf16 or int8.
absl::Status ExpectKvCache(const TensorSpec& cache, int kv_heads, int head_dim);

}  // namespace engine
