#include "core/weights/join_int4.h"

#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/weights/int4_tensor.h"

namespace engine {
namespace {

constexpr int64_t kWordValues = 8;  // of four bits in a word of 32

// A tensor that may be part of a weight. Parts have two dimensions, but for lists of group numbers and shapes.
struct Part {
  std::string name;
  std::string dtype;  // as safetensors files name it
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

class PartIndex {
 public:
  explicit PartIndex(const CheckpointContents& contents) {
    for (const RawTensor& raw : contents.raw) Add({raw.name, raw.dtype, raw.shape, raw.data});
    for (const SourceTensor& tensor : contents.tensors) {
      if (tensor.dtype == DType::kF16) Add({tensor.name, "F16", tensor.shape, tensor.data});
      if (tensor.dtype == DType::kBF16) Add({tensor.name, "BF16", tensor.shape, tensor.data});
    }
  }

  const Part* Find(const std::string& name) const {
    const auto found = parts_.find(name);
    return found == parts_.end() ? nullptr : &found->second;
  }
  // A matrix of 32-bit words.
  absl::StatusOr<Part> Words(const std::string& name) const {
    ASSIGN_OR_RETURN(Part part, Matrix(name));
    if (part.dtype == "I32") return part;
    return Unimplemented("tensor %s is %s; packed integers must be I32", name, part.dtype);
  }
  // A matrix of f16 or bf16 numbers.
  absl::StatusOr<Part> Scales(const std::string& name) const {
    ASSIGN_OR_RETURN(Part part, Matrix(name));
    if (part.dtype == "F16" || part.dtype == "BF16") return part;
    return Unimplemented("tensor %s is %s; scales must be F16 or BF16", name, part.dtype);
  }

 private:
  void Add(Part part) {
    std::string name = part.name;
    parts_.emplace(std::move(name), std::move(part));
  }
  absl::StatusOr<Part> Matrix(const std::string& name) const {
    const Part* part = Find(name);
    if (part == nullptr) return NotFound("no tensor %s of type I32, F16 or BF16, a part of a quantised weight", name);
    if (part->shape.size() != 2 || part->shape[0] < 1 || part->shape[1] < 1) {
      return InvalidArgument("tensor %s is %s; it must be a matrix", name, ShapeText(part->shape));
    }
    const DType item = part->dtype == "I32" ? DType::kI32 : DType::kF16;  // bf16 is as wide
    ASSIGN_OR_RETURN(const int64_t bytes, SourceBytes(name, item, part->shape));
    if (bytes == static_cast<int64_t>(part->data.size())) return *part;
    return InvalidArgument("tensor %s has %d bytes; %s %s takes %d", name, part->data.size(), part->dtype,
                           ShapeText(part->shape), bytes);
  }

  std::unordered_map<std::string, Part> parts_;
};

absl::Status ExpectShape(const Part& part, std::vector<int64_t> shape) {
  if (part.shape == shape) return absl::OkStatus();
  return InvalidArgument("tensor %s is %s; the tensors beside it ask for %s", part.name, ShapeText(part.shape),
                         ShapeText(shape));
}

// Row-major items of `part`, of which the first dimension is that of i, or of j where it is `transposed`.
StridedItems ItemsOf(const Part& part, bool transposed) {
  return transposed ? StridedItems{part.data, 1, part.shape[1]} : StridedItems{part.data, part.shape[1], 1};
}

absl::Status SetGroup(const Part& scales, int64_t groups, Int4Tensor& tensor) {
  if (tensor.k % groups != 0 || tensor.k / groups % 32 != 0) {
    return Unimplemented(
        "tensor %s has %d scales for rows of %d values; groups must be of the same size, a multiple of 32", scales.name,
        groups, tensor.k);
  }
  tensor.group = tensor.k / groups;
  return absl::OkStatus();
}

// Group numbers in another order than that of the values come from ordering inputs by activation.
absl::Status CheckGroupOrder(const PartIndex& parts, const std::string& name, const Int4Tensor& tensor) {
  const Part* order = parts.Find(name);
  if (order == nullptr || order->data.empty()) return absl::OkStatus();
  if (order->dtype != "I32" || static_cast<int64_t>(order->data.size()) != 4 * tensor.k) {
    return InvalidArgument("tensor %s is %s %s; it must be I32 [%d]", name, order->dtype, ShapeText(order->shape),
                           tensor.k);
  }
  for (int64_t i = 0; i < tensor.k; ++i) {
    int32_t group;
    std::memcpy(&group, order->data.data() + 4 * i, sizeof(group));
    if (group == i / tensor.group) continue;
    return Unimplemented(
        "tensor %s puts input %d into group %d: groups ordered by activation (desc_act) are not supported; quantise "
        "with "
        "desc_act = false",
        name, i, group);
  }
  return absl::OkStatus();
}

struct JoinedParts {
  Int4Tensor tensor;
  Part scales;
};

// AWQ and GPTQ: matrices [k, n] in their own ways.
absl::StatusOr<JoinedParts> JoinTransposed(QuantizationScheme scheme, const PartIndex& parts, const std::string& name) {
  ASSIGN_OR_RETURN(const Part words, parts.Words(name + ".qweight"));
  ASSIGN_OR_RETURN(const Part scales, parts.Scales(name + ".scales"));
  ASSIGN_OR_RETURN(const Part zero_points, parts.Words(name + ".qzeros"));
  const bool is_awq = scheme == QuantizationScheme::kAwq;
  const int64_t groups = scales.shape[0], n = scales.shape[1];
  const int64_t k = words.shape[0] * (is_awq ? 1 : kWordValues);
  RETURN_IF_ERROR(ExpectShape(zero_points, {groups, n / kWordValues}));
  if (n % kWordValues != 0) return Unimplemented("tensor %s has %d columns; 8 must divide them", scales.name, n);
  RETURN_IF_ERROR(ExpectShape(words, {words.shape[0], is_awq ? n / kWordValues : n}));
  Int4Tensor tensor{.n = n,
                    .k = k,
                    .words = ItemsOf(words, true),
                    .is_awq = is_awq,
                    .scales = ItemsOf(scales, true),
                    .zero_points = ItemsOf(zero_points, true),
                    .zero_offset = scheme == QuantizationScheme::kGptq ? 1 : 0};
  RETURN_IF_ERROR(SetGroup(scales, groups, tensor));
  RETURN_IF_ERROR(CheckGroupOrder(parts, name + ".g_idx", tensor));
  return JoinedParts{tensor, scales};
}

absl::StatusOr<JoinedParts> JoinCompressed(const PartIndex& parts, const std::string& name) {
  ASSIGN_OR_RETURN(const Part words, parts.Words(name + ".weight_packed"));
  ASSIGN_OR_RETURN(const Part scales, parts.Scales(name + ".weight_scale"));
  const int64_t n = words.shape[0], groups = scales.shape[1];
  RETURN_IF_ERROR(ExpectShape(scales, {n, groups}));
  Int4Tensor tensor{
      .n = n, .k = words.shape[1] * kWordValues, .words = ItemsOf(words, false), .scales = ItemsOf(scales, false)};
  RETURN_IF_ERROR(SetGroup(scales, groups, tensor));
  if (parts.Find(name + ".weight_zero_point") != nullptr) {
    ASSIGN_OR_RETURN(const Part zero_points, parts.Words(name + ".weight_zero_point"));
    RETURN_IF_ERROR(ExpectShape(zero_points, {(n + kWordValues - 1) / kWordValues, groups}));
    tensor.zero_points = ItemsOf(zero_points, false);
  }
  RETURN_IF_ERROR(CheckGroupOrder(parts, name + ".weight_g_idx", tensor));
  return JoinedParts{tensor, scales};
}

DType TypeOf(const Int4Tensor& tensor, bool bf16) {
  switch (BlockValues(tensor)) {
    case 32:
      return bf16 ? DType::kW4G32Bf16 : DType::kW4G32;
    case 64:
      return bf16 ? DType::kW4G64Bf16 : DType::kW4G64;
    default:
      return bf16 ? DType::kW4G128Bf16 : DType::kW4G128;
  }
}

}  // namespace

absl::Status JoinInt4(QuantizationScheme scheme, CheckpointContents& contents) {
  if (scheme == QuantizationScheme::kNone) return absl::OkStatus();
  const bool compressed = scheme == QuantizationScheme::kCompressed;
  const std::string suffix = compressed ? ".weight_packed" : ".qweight";
  const PartIndex parts(contents);
  for (const RawTensor& raw : contents.raw) {
    if (!raw.name.ends_with(suffix)) continue;
    const std::string name = raw.name.substr(0, raw.name.size() - suffix.size());
    ASSIGN_OR_RETURN(const JoinedParts joined,
                     compressed ? JoinCompressed(parts, name) : JoinTransposed(scheme, parts, name));
    const auto& [tensor, scales] = joined;
    contents.tensors.push_back({.name = name + ".weight",
                                .dtype = TypeOf(tensor, scales.dtype == "BF16"),
                                .shape = {tensor.n, tensor.k},
                                .data = {},
                                .int4 = tensor});
  }
  return absl::OkStatus();
}

}  // namespace engine
