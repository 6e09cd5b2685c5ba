#include "core/weights/packed_file.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "core/base/checksum.h"
#include "core/weights/byte_reader.h"

namespace engine {
namespace {

constexpr std::string_view kAgain = "run `engine pack` again on its checkpoint";
constexpr uint32_t kMaxFiles = 1024;        // texts of a checkpoint, of which there are a handful
constexpr uint32_t kMaxTensors = 1U << 20;  // as in GGUF
constexpr uint32_t kMaxRank = 8;            // weights have two dimensions, vectors one
constexpr uint64_t kAlignment = 64;         // what kernels load at once

absl::StatusOr<std::string_view> ReadText(ByteReader& in, std::string_view what) {
  ASSIGN_OR_RETURN(const uint64_t size, in.Read<uint64_t>(what));
  ASSIGN_OR_RETURN(const auto bytes, in.Take(size, what));
  return AsText(bytes);
}

absl::StatusOr<uint32_t> ReadCount(ByteReader& in, std::string_view what, uint32_t limit) {
  ASSIGN_OR_RETURN(const uint32_t count, in.Read<uint32_t>(what));
  if (count > limit) return InvalidArgument("%s is %d; the limit is %d", what, count, limit);
  return count;
}

absl::StatusOr<PackedPreamble> ReadPreamble(std::span<const std::byte> file) {
  PackedPreamble preamble;
  if (file.size() < sizeof(preamble)) return DataLoss("the file is cut short after %d bytes; %s", file.size(), kAgain);
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  if (preamble.version != kPackedVersion) {
    return Unimplemented("a packed file of version %d; this engine reads version %d: %s", preamble.version,
                         kPackedVersion, kAgain);
  }
  if (preamble.file_bytes != file.size()) {
    return DataLoss("the file has %d bytes and was written with %d; copy it once more, or %s", file.size(),
                    preamble.file_bytes, kAgain);
  }
  if (preamble.header_bytes > file.size() || preamble.header_bytes < sizeof(preamble) + sizeof(uint64_t)) {
    return DataLoss("the file's header is damaged: it claims %d bytes of %d; %s", preamble.header_bytes, file.size(),
                    kAgain);
  }
  return preamble;
}

absl::Status CheckHeader(std::span<const std::byte> header) {
  const auto summed = header.first(header.size() - sizeof(uint64_t));
  uint64_t stored;
  std::memcpy(&stored, header.data() + summed.size(), sizeof(stored));
  if (stored == Checksum(summed)) return absl::OkStatus();
  return DataLoss("the file's header is damaged: its checksum differs; copy it once more, or %s", kAgain);
}

absl::StatusOr<std::vector<EmbeddedFile>> ReadFiles(ByteReader& in) {
  ASSIGN_OR_RETURN(const uint32_t count, ReadCount(in, "the number of files", kMaxFiles));
  std::vector<EmbeddedFile> files;
  for (uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, ReadText(in, "a file's name"));
    ASSIGN_OR_RETURN(const uint64_t size, in.Read<uint64_t>(name));
    ASSIGN_OR_RETURN(const auto bytes, in.Take(size, name));
    files.push_back({name, bytes});
  }
  return files;
}

struct TensorPlace {
  uint64_t offset;
  uint64_t bytes;
  uint64_t checksum;
};

absl::StatusOr<SourceTensor> ReadTensor(ByteReader& in) {
  SourceTensor tensor{};
  ASSIGN_OR_RETURN(tensor.name, ReadText(in, "a tensor's name"));
  ASSIGN_OR_RETURN(const std::string_view type, ReadText(in, tensor.name));
  const std::optional<DType> dtype = ParseDType(type);
  const bool is_weight =
      dtype && (IsBlockQuantised(*dtype) || dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16);
  if (!is_weight) return InvalidArgument("tensor %s has type \"%s\"; %s", tensor.name, type, kAgain);
  tensor.dtype = *dtype;
  ASSIGN_OR_RETURN(const uint32_t rank, ReadCount(in, "a tensor's number of dimensions", kMaxRank));
  for (uint32_t d = 0; d < rank; ++d) {
    ASSIGN_OR_RETURN(const int64_t dimension, in.Read<int64_t>(tensor.name));
    tensor.shape.push_back(dimension);
  }
  ASSIGN_OR_RETURN(const std::string_view layout, ReadText(in, tensor.name));
  ASSIGN_OR_RETURN(const uint32_t version, ReadCount(in, "a layout's version", kMaxTensors));
  if (!layout.empty()) tensor.packed = {std::string(layout), static_cast<int>(version)};
  return tensor;
}

// Gives the tensor its bytes, behind those of the tensors before it, which end at `end`.
absl::Status Place(std::span<const std::byte> file, const TensorPlace& place, SourceTensor& tensor, uint64_t& end) {
  if (place.offset % kAlignment != 0 || place.offset < end) {
    return InvalidArgument("tensor %s starts at byte %d; it must be a multiple of %d from %d on", tensor.name,
                           place.offset, kAlignment, end);
  }
  if (place.offset > file.size() || place.bytes > file.size() - place.offset) {
    return DataLoss("tensor %s needs %d bytes at byte %d of a file of %d; %s", tensor.name, place.bytes, place.offset,
                    file.size(), kAgain);
  }
  ASSIGN_OR_RETURN(const int64_t bytes, SourceBytes(tensor.name, tensor.dtype, tensor.shape));
  if (!tensor.packed && place.bytes != static_cast<uint64_t>(bytes)) {
    return InvalidArgument("tensor %s has %d bytes; %s %s takes %d", tensor.name, place.bytes, Name(tensor.dtype),
                           ShapeText(tensor.shape), bytes);
  }
  tensor.data = file.subspan(place.offset, place.bytes);
  end = place.offset + place.bytes;
  return absl::OkStatus();
}

absl::Status ReadTensors(std::span<const std::byte> file, uint64_t header_bytes, ByteReader& in, PackedFile& parsed) {
  ASSIGN_OR_RETURN(const uint32_t count, ReadCount(in, "the number of tensors", kMaxTensors));
  std::unordered_set<std::string> seen;
  uint64_t end = header_bytes;
  for (uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(SourceTensor tensor, ReadTensor(in));
    TensorPlace place{};
    ASSIGN_OR_RETURN(place.offset, in.Read<uint64_t>(tensor.name));
    ASSIGN_OR_RETURN(place.bytes, in.Read<uint64_t>(tensor.name));
    ASSIGN_OR_RETURN(place.checksum, in.Read<uint64_t>(tensor.name));
    RETURN_IF_ERROR(Place(file, place, tensor, end));
    if (!seen.insert(tensor.name).second) return InvalidArgument("tensor %s appears twice", tensor.name);
    parsed.tensors.push_back(std::move(tensor));
    parsed.checksums.push_back(place.checksum);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsPackedFile(std::span<const std::byte> file) {
  return file.size() >= sizeof(kPackedMagic) && std::memcmp(file.data(), kPackedMagic, sizeof(kPackedMagic)) == 0;
}

absl::StatusOr<PackedFile> ParsePackedFile(std::span<const std::byte> file) {
  if (!IsPackedFile(file)) return InvalidArgument("not a file of `engine pack`: it does not start with \"ENGPACK\"");
  ASSIGN_OR_RETURN(const PackedPreamble preamble, ReadPreamble(file));
  const auto header = file.first(preamble.header_bytes);
  RETURN_IF_ERROR(CheckHeader(header));
  ByteReader in(header.first(header.size() - sizeof(uint64_t)));
  RETURN_IF_ERROR(in.Take(sizeof(preamble), "the preamble").status());
  PackedFile parsed;
  ASSIGN_OR_RETURN(parsed.files, ReadFiles(in));
  RETURN_IF_ERROR(ReadTensors(file, preamble.header_bytes, in, parsed));
  return parsed;
}

absl::Status VerifyPackedTensors(const PackedFile& file) {
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    if (Checksum(file.tensors[i].data) == file.checksums[i]) continue;
    return DataLoss("tensor %s is damaged: its checksum differs; copy the file once more, or %s", file.tensors[i].name,
                    kAgain);
  }
  return absl::OkStatus();
}

}  // namespace engine
