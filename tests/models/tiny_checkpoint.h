// The fixtures of tests/models/fixtures, and real checkpoints made from them. make_fixtures.py explains their files.
//
// A fixture lists a model's tensors but not their values: both languages draw those from the same generator, bit for
// bit, so a few kilobytes stand for a whole checkpoint. The contract of the generator is in portable_weights.py.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/base/dtype.h"
#include "core/base/status.h"

namespace engine {

struct TinyTensor {
  std::string name;
  std::vector<int64_t> shape;
  float centre;
  float step;
  uint64_t checksum;  // Checksum() of the values, as Python drew them
};

struct TinyModel {
  std::string name;
  std::string config_json;
  uint64_t seed;
  int32_t vocab_size;
  int32_t used_vocab;  // ids from here on are padding and are never sampled
  std::vector<int32_t> prompt;
  std::vector<int32_t> positions;  // of the prompt, ascending; the last one is the prompt's last
  std::vector<float> logits;       // [positions, vocab_size], what Hugging Face transformers computes in f32
  std::vector<int32_t> greedy;     // the tokens that follow the prompt
  double oracle_error;             // the largest difference of `logits` from the same computation in double
  std::vector<TinyTensor> tensors;
};

// The fixture in `directory`; its name is the directory's.
absl::StatusOr<TinyModel> ReadTinyModel(const std::filesystem::path& directory);

// Every fixture of the repository, in the order of their names.
absl::StatusOr<std::vector<TinyModel>> ReadTinyModels();

// The values of a tensor. Each has at most 8 significant bits, so bf16 and f16 hold it exactly.
std::vector<float> DrawWeights(uint64_t seed, const TinyTensor& tensor);

// FNV-1a over the little-endian bytes.
uint64_t Checksum(std::span<const float> values);

// Writes config.json and model.safetensors, all tensors as `dtype` (f32, f16 or bf16), into an existing directory.
absl::Status WriteTinyCheckpoint(const TinyModel& model, DType dtype, const std::filesystem::path& directory);

}  // namespace engine
