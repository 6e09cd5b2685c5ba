// Reader of one GGUF file, versions 2 and 3, little-endian. It works on bytes, so that a fuzzer needs no file.
//
//   "GGUF", u32 version, u64 tensors, u64 keys, the keys with typed values, the tensor records (name, dimensions
//   fastest first, type, offset), padding to general.alignment, then the tensors, each at a multiple of the alignment.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/weights/source_tensor.h"

namespace engine {

// Integers of every width arrive as int64, floats as double; arrays of booleans as 0 and 1. Texts are borrowed from the
// file and may be any bytes.
using GgufValue = std::variant<bool, int64_t, double, std::string_view, std::vector<int64_t>, std::vector<double>,
                               std::vector<std::string_view>>;

struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

class GgufMetadata {
 public:
  GgufMetadata() = default;
  GgufMetadata(std::vector<GgufEntry> entries, std::span<const std::byte> encoded)
      : entries_(std::move(entries)), encoded_(encoded) {}

  const std::vector<GgufEntry>& entries() const { return entries_; }  // in the file's order, no key twice
  std::span<const std::byte> encoded() const { return encoded_; }     // the same, as the file has them

  // The value of `key`, or null if it is absent or holds something else than a T (an alternative of GgufValue):
  //   if (const auto* tokens = metadata.Get<std::vector<std::string_view>>("tokenizer.ggml.tokens")) …
  template <typename T>
  const T* Get(std::string_view key) const {
    const GgufValue* value = Find(key);
    return value == nullptr ? nullptr : std::get_if<T>(value);
  }

 private:
  const GgufValue* Find(std::string_view key) const;

  std::vector<GgufEntry> entries_;
  std::span<const std::byte> encoded_;
};

struct GgufFile {
  GgufMetadata metadata;
  std::vector<SourceTensor> tensors;  // in the file's order; inside the file, no two overlap
};

// Everything returned borrows from `file`. An invalid or unsupported file gives one sentence about the first fault.
absl::StatusOr<GgufFile> ParseGguf(std::span<const std::byte> file);

// A GGUF file of these keys and no tensor.
std::string GgufWithoutTensors(const GgufMetadata& metadata);

}  // namespace engine
