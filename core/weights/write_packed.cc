#include <cstring>

#include "core/base/checksum.h"
#include "core/base/round_up.h"
#include "core/weights/byte_reader.h"
#include "core/weights/packed_file.h"

namespace engine {
namespace {

// A tensor of a page or more starts a page, so that its pages are its own; small ones share.
constexpr int64_t kPageBytes = 4096;
constexpr int64_t kLineBytes = 64;

uint64_t PlaceOf(uint64_t end, int64_t bytes) {
  return RoundUp(static_cast<int64_t>(end), bytes >= kPageBytes ? kPageBytes : kLineBytes);
}

template <typename T>
void Append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void AppendText(std::string& out, std::string_view text) {
  Append(out, uint64_t{text.size()});
  out.append(text);
}

std::string FileRecords(std::span<const EmbeddedFile> files) {
  std::string out;
  Append(out, static_cast<uint32_t>(files.size()));
  for (const EmbeddedFile& file : files) {
    AppendText(out, file.name);
    AppendText(out, AsText(file.bytes));
  }
  return out;
}

// Offsets count from `data_begin`. Their size in the file does not depend on it.
std::string TensorRecords(std::span<const SourceTensor> tensors, std::span<const uint64_t> checksums,
                          uint64_t data_begin) {
  std::string out;
  Append(out, static_cast<uint32_t>(tensors.size()));
  uint64_t end = data_begin;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const SourceTensor& tensor = tensors[i];
    AppendText(out, tensor.name);
    AppendText(out, Name(tensor.dtype));
    Append(out, static_cast<uint32_t>(tensor.shape.size()));
    for (const int64_t dimension : tensor.shape) Append(out, dimension);
    AppendText(out, tensor.packed ? tensor.packed->name : "");
    Append(out, static_cast<uint32_t>(tensor.packed ? tensor.packed->version : 0));
    const uint64_t offset = PlaceOf(end, tensor.data.size());
    Append(out, offset);
    Append(out, uint64_t{tensor.data.size()});
    Append(out, checksums[i]);
    end = offset + tensor.data.size();
  }
  return out;
}

std::string Header(std::span<const EmbeddedFile> files, std::span<const SourceTensor> tensors) {
  std::vector<uint64_t> checksums;
  checksums.reserve(tensors.size());
  for (const SourceTensor& tensor : tensors) checksums.push_back(Checksum(tensor.data));
  const std::string file_records = FileRecords(files);
  const uint64_t header_bytes =
      sizeof(PackedPreamble) + file_records.size() + TensorRecords(tensors, checksums, 0).size() + sizeof(uint64_t);
  uint64_t end = header_bytes;
  for (const SourceTensor& tensor : tensors) end = PlaceOf(end, tensor.data.size()) + tensor.data.size();
  PackedPreamble preamble{.version = kPackedVersion, .header_bytes = header_bytes, .file_bytes = end};
  std::memcpy(preamble.magic, kPackedMagic, sizeof(preamble.magic));
  std::string out;
  Append(out, preamble);
  out += file_records + TensorRecords(tensors, checksums, header_bytes);
  Append(out, Checksum(std::as_bytes(std::span(out))));
  return out;
}

}  // namespace

absl::Status WritePacked(std::span<const EmbeddedFile> files, std::span<const SourceTensor> tensors,
                         const WriteBytes& write) {
  const std::string header = Header(files, tensors);
  RETURN_IF_ERROR(write(std::as_bytes(std::span(header))));
  uint64_t end = header.size();
  const std::string zeros(kPageBytes, '\0');
  for (const SourceTensor& tensor : tensors) {
    const uint64_t offset = PlaceOf(end, tensor.data.size());
    RETURN_IF_ERROR(write(std::as_bytes(std::span(zeros)).first(offset - end)));
    RETURN_IF_ERROR(write(tensor.data));
    end = offset + tensor.data.size();
  }
  return absl::OkStatus();
}

}  // namespace engine
