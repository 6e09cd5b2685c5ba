#include "tests/support/gguf_writer.h"

#include <utility>

#include "core/base/check.h"
#include "core/weights/quant.h"
#include "core/weights/source_tensor.h"

namespace engine {
namespace {

constexpr size_t kAlignment = 32;

uint32_t TensorTypeId(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kBF16:
      return 30;
    case DType::kQ4_0:
      return 2;
    case DType::kQ4_1:
      return 3;
    case DType::kQ5_0:
      return 6;
    case DType::kQ5_1:
      return 7;
    case DType::kQ8_0:
      return 8;
    case DType::kQ4_K:
      return 12;
    case DType::kQ5_K:
      return 13;
    case DType::kQ6_K:
      return 14;
    case DType::kIQ4_NL:
      return 20;
    case DType::kIQ4_XS:
      return 23;
    default:
      ENGINE_CHECK(!"no GGUF type for this dtype");
  }
}

void Pad(std::string& bytes) { bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment); }

}  // namespace

GgufWriter& GgufWriter::Set(std::string_view key, const std::vector<std::string>& texts) {
  std::string items;
  for (const std::string& text : texts) items += Text(text);
  return AddEntry(key, kArrayType, Raw(kStringType) + Raw(uint64_t{texts.size()}) + items);
}

GgufWriter& GgufWriter::AddEntry(std::string_view key, uint32_t type, const std::string& value) {
  entries_.push_back(Text(key) + Raw(type) + value);
  return *this;
}

GgufWriter& GgufWriter::AddTensor(std::string_view name, DType dtype, std::vector<int64_t> shape,
                                  std::span<const float> values) {
  const auto num_values = static_cast<int64_t>(values.size());
  ENGINE_CHECK(NumValues(shape) == num_values);
  std::string data(static_cast<size_t>(RowBytes(dtype, num_values)), '\0');
  QuantizeRow(dtype, values, std::as_writable_bytes(std::span(data)));
  tensors_.push_back({std::string(name), TensorTypeId(dtype), std::move(shape), std::move(data)});
  return *this;
}

std::string GgufWriter::Bytes(int part, int num_parts) const {
  GgufWriter split;
  if (part == 0) split.entries_ = entries_;
  if (num_parts > 1) {
    split.Set("split.no", static_cast<uint16_t>(part)).Set("split.count", static_cast<uint16_t>(num_parts));
    split.Set("split.tensors.count", static_cast<int32_t>(tensors_.size()));
  }
  std::string records, data;
  uint64_t num_tensors = 0;
  for (size_t i = static_cast<size_t>(part); i < tensors_.size(); i += static_cast<size_t>(num_parts)) {
    const Tensor& tensor = tensors_[i];
    records += Text(tensor.name) + Raw(static_cast<uint32_t>(tensor.shape.size()));
    for (auto dimension = tensor.shape.rbegin(); dimension != tensor.shape.rend(); ++dimension) {
      records += Raw(*dimension);
    }
    records += Raw(tensor.type) + Raw(uint64_t{data.size()});
    data += tensor.data;
    Pad(data);
    ++num_tensors;
  }
  std::string bytes = "GGUF" + Raw(uint32_t{3}) + Raw(num_tensors) + Raw(uint64_t{split.entries_.size()});
  for (const std::string& entry : split.entries_) bytes += entry;
  bytes += records;
  Pad(bytes);
  return bytes + data;
}

}  // namespace engine
