#include "core/weights/safetensors.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/base/json.h"
#include "core/weights/byte_reader.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxHeaderBytes = 100'000'000;  // the limit of the format's own library

std::optional<DType> TensorType(std::string_view name, const std::vector<int64_t>& shape) {
  if (name == "F32") return DType::kF32;
  if (name == "F16") return DType::kF16;
  if (name == "BF16") return DType::kBF16;
  const bool has_blocks = !shape.empty() && shape.back() % Info(DType::kW8).block_values == 0;
  if (name == "I8" && has_blocks) return DType::kW8;
  return std::nullopt;
}

// The bytes [begin, end) of the data section that belong to `name`.
struct ByteRange {
  std::string_view name;
  int64_t begin;
  int64_t end;
};

// The non-negative integers of the array `field` of `record`.
absl::StatusOr<std::vector<int64_t>> ReadIntegers(std::string_view name, const Json& record, const char* field) {
  const auto found = record.find(field);
  if (found == record.end() || !found->is_array()) {
    return InvalidArgument("tensor %s has no array \"%s\" in the header", name, field);
  }
  std::vector<int64_t> integers;
  for (const Json& item : *found) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() > uint64_t{INT64_MAX}) {
      return InvalidArgument("tensor %s: \"%s\" must hold integers from 0 to 2^63 - 1", name, field);
    }
    integers.push_back(item.get<int64_t>());
  }
  return integers;
}

absl::StatusOr<ByteRange> ReadRange(std::string_view name, const Json& record, size_t data_bytes) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> offsets, ReadIntegers(name, record, "data_offsets"));
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    return InvalidArgument("tensor %s: data_offsets is %s; it must be [begin, end]", name, ShapeText(offsets));
  }
  if (static_cast<uint64_t>(offsets[1]) > data_bytes) {
    return DataLoss("the file is cut short: tensor %s ends at byte %d of a data section of %d", name, offsets[1],
                    data_bytes);
  }
  return ByteRange{name, offsets[0], offsets[1]};
}

// Adds the tensor that `record` describes, and returns where it lies.
absl::StatusOr<ByteRange> AddTensor(const std::string& name, const Json& record, std::span<const std::byte> data,
                                    SafetensorsFile& file) {
  if (!record.is_object()) return InvalidArgument("the header's entry for tensor %s is not an object", name);
  const auto dtype_name = record.find("dtype");
  if (dtype_name == record.end() || !dtype_name->is_string()) {
    return InvalidArgument("tensor %s has no text \"dtype\" in the header", name);
  }
  ASSIGN_OR_RETURN(std::vector<int64_t> shape, ReadIntegers(name, record, "shape"));
  ASSIGN_OR_RETURN(const ByteRange range, ReadRange(name, record, data.size()));
  const auto& dtype_text = dtype_name->get_ref<const std::string&>();
  const std::optional<DType> dtype = TensorType(dtype_text, shape);
  if (!dtype) {
    file.raw.push_back({name, dtype_text, std::move(shape), data.subspan(range.begin, range.end - range.begin)});
    return range;
  }
  ASSIGN_OR_RETURN(const int64_t bytes, SourceBytes(name, *dtype, shape));
  if (bytes != range.end - range.begin) {
    return InvalidArgument("tensor %s: %s %s needs %d bytes, and its data_offsets span %d", name, dtype_text,
                           ShapeText(shape), bytes, range.end - range.begin);
  }
  file.tensors.push_back({name, *dtype, std::move(shape), data.subspan(range.begin, bytes)});
  return range;
}

// The ranges must tile the data section: a hole or an overlap means that the header and the data do not match.
absl::Status CheckTiling(std::vector<ByteRange> ranges, int64_t data_bytes) {
  std::ranges::sort(ranges, {}, [](const ByteRange& range) { return std::pair(range.begin, range.end); });
  int64_t end = 0;
  for (const ByteRange& range : ranges) {
    if (range.begin < end) return InvalidArgument("tensor %s overlaps the tensor before it", range.name);
    if (range.begin > end) {
      return InvalidArgument("no tensor covers the bytes %d to %d of the data section", end, range.begin);
    }
    end = range.end;
  }
  if (end != data_bytes) {
    return InvalidArgument("no tensor covers the bytes %d to %d of the data section", end, data_bytes);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsFile> ParseSafetensors(std::span<const std::byte> file) {
  ByteReader in(file);
  ASSIGN_OR_RETURN(const uint64_t header_bytes, in.Read<uint64_t>("the header's length"));
  ASSIGN_OR_RETURN(const auto header_text, in.Take(header_bytes, "the header"));
  const JsonLimits limits{.max_bytes = kMaxHeaderBytes, .max_depth = 4};
  ASSIGN_OR_RETURN(const Json header, ParseJson(AsText(header_text), "the safetensors header", limits));
  if (!header.is_object()) return InvalidArgument("the safetensors header is not a JSON object");

  const auto data = file.subspan(in.position());
  SafetensorsFile parsed;
  std::vector<ByteRange> ranges;
  for (const auto& [name, record] : header.get_ref<const Json::object_t&>()) {
    if (name == "__metadata__") continue;
    ASSIGN_OR_RETURN(const ByteRange range, AddTensor(name, record, data, parsed));
    ranges.push_back(range);
  }
  RETURN_IF_ERROR(CheckTiling(std::move(ranges), static_cast<int64_t>(data.size())));
  return parsed;
}

}  // namespace engine
