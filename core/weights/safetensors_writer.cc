#include "core/weights/safetensors_writer.h"

#include <utility>

#include "core/base/check.h"
#include "core/weights/quant.h"
#include "core/weights/source_tensor.h"

namespace engine {
namespace {

std::string_view TypeName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    default:
      ENGINE_CHECK(!"no safetensors name for this dtype");
  }
}

}  // namespace

SafetensorsWriter& SafetensorsWriter::AddTensor(std::string_view name, DType dtype, std::vector<int64_t> shape,
                                                std::span<const float> values) {
  const auto num_values = static_cast<int64_t>(values.size());
  ENGINE_CHECK(NumValues(shape) == num_values);
  std::string data(static_cast<size_t>(RowBytes(dtype, num_values)), '\0');
  QuantizeRow(dtype, values, std::as_writable_bytes(std::span(data)));
  return AddRaw(name, TypeName(dtype), std::move(shape), data);
}

SafetensorsWriter& SafetensorsWriter::AddRaw(std::string_view name, std::string_view dtype, std::vector<int64_t> shape,
                                             std::string_view data) {
  const size_t begin = data_.size();
  data_ += data;
  header_[std::string(name)] = {
      {"dtype", std::string(dtype)}, {"shape", std::move(shape)}, {"data_offsets", {begin, data_.size()}}};
  return *this;
}

std::string SafetensorsWriter::Bytes() const { return Assemble(header_.dump(), data_); }

std::string SafetensorsWriter::Assemble(std::string_view header, std::string_view data) {
  const uint64_t header_bytes = header.size();
  std::string bytes(reinterpret_cast<const char*>(&header_bytes), sizeof(header_bytes));
  bytes += header;
  bytes += data;
  return bytes;
}

}  // namespace engine
