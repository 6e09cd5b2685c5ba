#include "ops/expect.h"

#include <algorithm>
#include <string>

#include "ops/kv_layout.h"

namespace engine {
namespace {

std::string Names(std::initializer_list<DType> dtypes) {
  std::string text;
  for (const DType dtype : dtypes) text += (text.empty() ? "" : " or ") + std::string(Name(dtype));
  return text;
}

}  // namespace

absl::Status ExpectInputs(std::span<const TensorSpec> in, std::initializer_list<std::string_view> names) {
  if (in.size() == names.size()) return absl::OkStatus();
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return InvalidArgument("got %d inputs; it takes %d: %s", in.size(), names.size(), list);
}

absl::Status Expect(std::string_view name, const TensorSpec& spec, const TensorSpec& wanted) {
  if (spec == wanted) return absl::OkStatus();
  return InvalidArgument("%s is %s; it must be %s", name, spec.to_string(), wanted.to_string());
}

absl::Status ExpectRows(std::string_view name, const TensorSpec& spec, std::initializer_list<DType> dtypes,
                        int64_t columns) {
  const bool known = std::find(dtypes.begin(), dtypes.end(), spec.dtype) != dtypes.end();
  const bool fits = spec.shape.rank() == 2 && (columns == 0 || spec.shape[1] == columns);
  if (known && fits && spec.layout == kRowMajor) return absl::OkStatus();
  return InvalidArgument("%s is %s; it must be %s[rows, %s], row-major", name, spec.to_string(), Names(dtypes),
                         columns == 0 ? "columns" : std::to_string(columns));
}

absl::Status ExpectWeight(std::string_view name, const TensorSpec& spec, int64_t k) {
  const bool is_matrix = spec.shape.rank() == 2 && spec.shape.leading() > 0 && (k == 0 || spec.shape[1] == k);
  if (!is_matrix) {
    return InvalidArgument("%s is %s; it must be a matrix [n, %s]", name, spec.to_string(),
                           k == 0 ? "k" : std::to_string(k));
  }
  const int block = Info(spec.dtype).block_values;
  if (spec.shape[1] % block == 0) return absl::OkStatus();
  return InvalidArgument("%s is %s; its rows must be a multiple of the %d values of a block", name, spec.to_string(),
                         block);
}

absl::Status ExpectStorable(DType out, int64_t columns) {
  const bool storable = out == DType::kF32 || out == DType::kBF16 || out == DType::kQ8Group;
  if (!storable) return InvalidArgument("it cannot store its output as %s; give f32, bf16 or q8_group", Name(out));
  const int group = Info(out).block_values;
  if (columns % group == 0) return absl::OkStatus();
  return InvalidArgument("its output has %d columns; %s needs a multiple of %d", columns, Name(out), group);
}

absl::Status ExpectKvCache(const TensorSpec& cache, int kv_heads, int head_dim) {
  const DType dtype = cache.dtype;
  if (dtype != DType::kF32 && dtype != DType::kBF16 && dtype != DType::kI8) {
    return InvalidArgument("cache is %s; a KV cache holds f32, bf16 or int8", Name(dtype));
  }
  if (head_dim % KvStep(dtype) != 0) {
    return InvalidArgument("head_dim is %d; a KV cache of %s needs a multiple of %d", head_dim, Name(dtype),
                           KvStep(dtype));
  }
  return Expect("cache", cache, KvCacheSpec(dtype, kv_heads, head_dim));
}

}  // namespace engine
