// ParseSafetensors on any bytes: no crash, and no tensor outside the file, nor a row of 4-bit integers that its tensors
// make up.
#include "core/weights/join_int4.h"
#include "core/weights/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {
namespace {

void ReadInt4(QuantizationScheme scheme, const SafetensorsFile& file) {
  CheckpointContents contents{.format = CheckpointFormat::kHuggingFace, .tensors = file.tensors, .raw = file.raw};
  if (!JoinInt4(scheme, contents).ok()) return;
  for (const SourceTensor& tensor : contents.tensors) {
    if (!tensor.int4) continue;
    std::vector<std::byte> rows(tensor.int4->n * RowBytes(tensor.dtype, tensor.int4->k));
    ReadRows(*tensor.int4, 0, tensor.int4->n, rows.data());
  }
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  const auto file = ParseSafetensors(bytes);
  if (!file.ok()) return;
  ReadEveryRow(file->tensors);
  for (const auto scheme : {QuantizationScheme::kAwq, QuantizationScheme::kGptq, QuantizationScheme::kCompressed}) {
    ReadInt4(scheme, *file);
  }
}

}  // namespace engine
