// Reader of one safetensors file. It works on bytes, so that a fuzzer needs no file.
//
//   u64 length of the header; the header, a JSON object {name: {dtype, shape, data_offsets}}; the tensors, without
//   holes.
#pragma once

#include <span>
#include <vector>

#include "core/base/status.h"
#include "core/weights/source_tensor.h"

namespace engine {

struct SafetensorsFile {
  std::vector<SourceTensor> tensors;  // F32, F16 and BF16, in the header's order
  std::vector<RawTensor> raw;         // of other types
};

// Tensors borrow their bytes from `file`. An invalid file gives one sentence about the first fault.
absl::StatusOr<SafetensorsFile> ParseSafetensors(std::span<const std::byte> file);

}  // namespace engine
