// The file that `engine pack` writes: weights as kernels read them, to be mapped and used in place, and the settings and
// texts of the checkpoint that they came from. Reading works on bytes, so that a fuzzer needs no file.
//
//   PackedPreamble
//   files      u32 count; each: name, bytes (a text is its u64 size and its bytes)
//   tensors    u32 count; each: name, dtype ("q4_0"), u32 rank, i64 dimensions with the slowest first, layout ("panel16";
//              empty: as in the checkpoint), u32 version of the layout, u64 offset in the file, u64 bytes, u64 checksum
//   checksum   u64, of everything before it
//   the tensors' bytes, in order of their offsets, each at a multiple of 64, large ones at a multiple of 4096
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/weights/source_tensor.h"

namespace engine {

struct PackedPreamble {
  char magic[8];
  uint32_t version;
  uint32_t reserved;
  uint64_t header_bytes;  // from the start of the file to the end of the checksum
  uint64_t file_bytes;
};
inline constexpr char kPackedMagic[8] = {'E', 'N', 'G', 'P', 'A', 'C', 'K', '\n'};
inline constexpr uint32_t kPackedVersion = 1;

// A file inside the file.
struct EmbeddedFile {
  std::string_view name;
  std::span<const std::byte> bytes;
};

struct PackedFile {
  std::vector<EmbeddedFile> files;
  std::vector<SourceTensor> tensors;
  std::vector<uint64_t> checksums;  // of each tensor
};

bool IsPackedFile(std::span<const std::byte> file);

// Everything returned borrows from `file`. Sizes, offsets and the header's checksum are checked; the tensors' bytes are
// not read, for that takes as long as loading may. An error is one sentence about the first fault and what to do.
absl::StatusOr<PackedFile> ParsePackedFile(std::span<const std::byte> file);

// Reads every tensor and names the first that is damaged.
absl::Status VerifyPackedTensors(const PackedFile& file);

// Writes the file through `write`, which gets its bytes in order. Tensors' `data` are the bytes to store.
using WriteBytes = std::function<absl::Status(std::span<const std::byte> bytes)>;
absl::Status WritePacked(std::span<const EmbeddedFile> files, std::span<const SourceTensor> tensors,
                         const WriteBytes& write);

}  // namespace engine
