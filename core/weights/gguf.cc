#include "core/weights/gguf.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>

#include "absl/strings/str_join.h"
#include "core/weights/gguf_metadata.h"

namespace engine {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF", read as a little-endian word
constexpr uint32_t kMaxDimensions = 4;
constexpr int64_t kDefaultAlignment = 32;
// Far above any model: one of 100 layers with 60 tensors each has 6,000.
constexpr uint64_t kMaxRecords = uint64_t{1} << 20;

struct TypeId {
  uint32_t id;
  DType dtype;
};
constexpr TypeId kTypes[] = {
    {0, DType::kF32},     {1, DType::kF16},     {2, DType::kQ4_0},  {3, DType::kQ4_1},  {6, DType::kQ5_0},
    {7, DType::kQ5_1},    {8, DType::kQ8_0},    {12, DType::kQ4_K}, {13, DType::kQ5_K}, {14, DType::kQ6_K},
    {20, DType::kIQ4_NL}, {23, DType::kIQ4_XS}, {30, DType::kBF16},
};

absl::StatusOr<DType> TensorType(uint32_t id, std::string_view name) {
  std::vector<std::string> supported;
  for (const TypeId& type : kTypes) {
    if (type.id == id) return type.dtype;
    supported.emplace_back(Name(type.dtype));
  }
  return Unimplemented("tensor %s has GGUF type %d, which is not supported; use a file of the types %s", name, id,
                       absl::StrJoin(supported, ", "));
}

absl::StatusOr<std::vector<int64_t>> ReadShape(ByteReader& in, std::string_view name) {
  ASSIGN_OR_RETURN(const uint32_t num_dimensions, in.Read<uint32_t>(name));
  if (num_dimensions > kMaxDimensions) {
    return InvalidArgument("tensor %s has %d dimensions; GGUF allows %d", name, num_dimensions, kMaxDimensions);
  }
  std::vector<int64_t> shape(num_dimensions);
  for (int64_t& dimension : shape) {
    ASSIGN_OR_RETURN(dimension, in.Read<int64_t>(name));
    if (dimension < 1) return InvalidArgument("tensor %s has a dimension of %d; it must be positive", name, dimension);
  }
  std::reverse(shape.begin(), shape.end());
  return shape;
}

// A tensor's place, before it is known where the data section starts.
struct TensorRecord {
  SourceTensor tensor;
  uint64_t offset;
  uint64_t size_bytes;
};

absl::StatusOr<TensorRecord> ReadTensorRecord(ByteReader& in) {
  TensorRecord record;
  SourceTensor& tensor = record.tensor;
  ASSIGN_OR_RETURN(tensor.name, ReadGgufString(in, "a tensor's name"));
  ASSIGN_OR_RETURN(tensor.shape, ReadShape(in, tensor.name));
  ASSIGN_OR_RETURN(const uint32_t type, in.Read<uint32_t>(tensor.name));
  ASSIGN_OR_RETURN(tensor.dtype, TensorType(type, tensor.name));
  ASSIGN_OR_RETURN(record.size_bytes, SourceBytes(tensor.name, tensor.dtype, tensor.shape));
  ASSIGN_OR_RETURN(record.offset, in.Read<uint64_t>(tensor.name));
  return record;
}

absl::StatusOr<std::vector<TensorRecord>> ReadTensorRecords(ByteReader& in, uint64_t count) {
  std::vector<TensorRecord> records;
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(TensorRecord record, ReadTensorRecord(in));
    if (!seen.insert(record.tensor.name).second) return InvalidArgument("tensor %s appears twice", record.tensor.name);
    records.push_back(std::move(record));
  }
  return records;
}

absl::StatusOr<uint64_t> Alignment(const GgufMetadata& metadata) {
  const int64_t* value = metadata.Get<int64_t>("general.alignment");
  const int64_t alignment = value == nullptr ? kDefaultAlignment : *value;
  if (alignment < 1 || (alignment & (alignment - 1)) != 0) {
    return InvalidArgument("general.alignment is %d; it must be a power of two", alignment);
  }
  return static_cast<uint64_t>(alignment);
}

// Gives every tensor its bytes in the data section.
absl::Status PlaceTensors(std::span<const std::byte> data, uint64_t alignment, std::span<TensorRecord> records) {
  for (TensorRecord& record : records) {
    if (record.offset % alignment != 0) {
      return InvalidArgument("tensor %s starts at offset %d, which is not a multiple of the alignment %d",
                             record.tensor.name, record.offset, alignment);
    }
    if (record.offset > data.size() || record.size_bytes > data.size() - record.offset) {
      return DataLoss("the file is cut short: tensor %s needs %d bytes at offset %d, and the data section has %d",
                      record.tensor.name, record.size_bytes, record.offset, data.size());
    }
    record.tensor.data = data.subspan(record.offset, record.size_bytes);
  }
  return absl::OkStatus();
}

absl::Status CheckOverlap(std::span<const TensorRecord> records) {
  std::vector<const TensorRecord*> by_offset;
  for (const TensorRecord& record : records) by_offset.push_back(&record);
  std::ranges::sort(by_offset, {}, [](const TensorRecord* record) { return record->offset; });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const TensorRecord& before = *by_offset[i - 1];
    if (before.offset + before.size_bytes > by_offset[i]->offset) {
      return InvalidArgument("tensors %s and %s overlap", before.tensor.name, by_offset[i]->tensor.name);
    }
  }
  return absl::OkStatus();
}

struct Header {
  uint64_t num_tensors;
  uint64_t num_entries;
};

absl::StatusOr<Header> ReadHeader(ByteReader& in) {
  ASSIGN_OR_RETURN(const uint32_t magic, in.Read<uint32_t>("the magic number"));
  if (magic != kMagic) return InvalidArgument("not a GGUF file: it does not start with \"GGUF\"");
  ASSIGN_OR_RETURN(const uint32_t version, in.Read<uint32_t>("the version"));
  if (version == __builtin_bswap32(3)) return Unimplemented("big-endian GGUF is not supported; convert the file again");
  if (version != 2 && version != 3) {
    return Unimplemented("GGUF version %d is not supported; convert the model to version 3", version);
  }
  Header header;
  ASSIGN_OR_RETURN(header.num_tensors, in.Read<uint64_t>("the number of tensors"));
  ASSIGN_OR_RETURN(header.num_entries, in.Read<uint64_t>("the number of keys"));
  if (header.num_tensors > kMaxRecords || header.num_entries > kMaxRecords) {
    return InvalidArgument("the file claims %d tensors and %d keys; the limit is %d", header.num_tensors,
                           header.num_entries, kMaxRecords);
  }
  return header;
}

}  // namespace

const GgufValue* GgufMetadata::Find(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &GgufEntry::key);
  return found == entries_.end() ? nullptr : &found->value;
}

absl::StatusOr<GgufFile> ParseGguf(std::span<const std::byte> file) {
  ByteReader in(file);
  ASSIGN_OR_RETURN(const Header header, ReadHeader(in));
  const uint64_t entries_begin = in.position();
  ASSIGN_OR_RETURN(std::vector<GgufEntry> entries, ReadGgufEntries(in, header.num_entries));
  const uint64_t entries_end = in.position();
  GgufFile parsed{GgufMetadata(std::move(entries), file.subspan(entries_begin, entries_end - entries_begin)), {}};
  ASSIGN_OR_RETURN(std::vector<TensorRecord> records, ReadTensorRecords(in, header.num_tensors));
  ASSIGN_OR_RETURN(const uint64_t alignment, Alignment(parsed.metadata));
  const uint64_t padding = -in.position() & (alignment - 1);
  const auto data = file.subspan(in.position() + std::min(padding, in.remaining()));
  RETURN_IF_ERROR(PlaceTensors(data, alignment, records));
  RETURN_IF_ERROR(CheckOverlap(records));
  for (TensorRecord& record : records) parsed.tensors.push_back(std::move(record.tensor));
  return parsed;
}

std::string GgufWithoutTensors(const GgufMetadata& metadata) {
  std::string file;
  const auto append = [&file](auto value) { file.append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  append(kMagic);
  append(uint32_t{3});
  append(uint64_t{0});
  append(static_cast<uint64_t>(metadata.entries().size()));
  return file.append(AsText(metadata.encoded()));
}

}  // namespace engine
