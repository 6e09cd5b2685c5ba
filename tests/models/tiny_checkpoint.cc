#include "tests/models/tiny_checkpoint.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/base/files.h"
#include "core/base/json.h"
#include "core/weights/safetensors_writer.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

uint64_t Fnv1a(std::span<const std::byte> bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

// SplitMix64.
class WordStream {
 public:
  WordStream(uint64_t seed, std::string_view name) : state_(seed ^ Fnv1a(std::as_bytes(std::span(name)))) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

absl::StatusOr<std::string> ReadFixture(const std::filesystem::path& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return NotFound("%s; tests/models/make_fixtures.py makes it", Message(text.status()));
  return text;
}

// Fills `model` from a document of make_fixtures.py. The JSON library throws where a key or a type is not as expected;
// the caller catches.
void FillFromJson(const Json& fixture, TinyModel& model) {
  fixture.at("seed").get_to(model.seed);
  fixture.at("vocab_size").get_to(model.vocab_size);
  fixture.at("used_vocab").get_to(model.used_vocab);
  fixture.at("prompt").get_to(model.prompt);
  fixture.at("positions").get_to(model.positions);
  fixture.at("greedy").get_to(model.greedy);
  fixture.at("oracle_error").get_to(model.oracle_error);
  for (const Json& tensor : fixture.at("tensors")) {
    model.tensors.push_back({.name = tensor.at("name").get<std::string>(),
                             .shape = tensor.at("shape").get<std::vector<int64_t>>(),
                             .centre = tensor.at("centre").get<float>(),
                             .step = tensor.at("step").get<float>(),
                             .checksum = std::stoull(tensor.at("checksum").get<std::string>(), nullptr, 16)});
  }
}

}  // namespace

absl::StatusOr<TinyModel> ReadTinyModel(const std::filesystem::path& directory) {
  TinyModel model{.name = directory.filename().string()};
  ASSIGN_OR_RETURN(model.config_json, ReadFixture(directory / "config.json"));
  ASSIGN_OR_RETURN(const std::string text, ReadFixture(directory / "fixture.json"));
  ASSIGN_OR_RETURN(const Json fixture, ParseJson(text, (directory / "fixture.json").string()));
  try {
    FillFromJson(fixture, model);
  } catch (const std::exception& error) {
    return InvalidArgument("%s/fixture.json: %s; make it again with tests/models/make_fixtures.py", directory.string(),
                           error.what());
  }
  ASSIGN_OR_RETURN(const std::string logits, ReadFixture(directory / "logits.bin"));
  model.logits.resize(model.positions.size() * model.vocab_size);
  if (logits.size() != model.logits.size() * sizeof(float)) {
    return DataLoss("%s/logits.bin has %d bytes; %d positions of %d logits take %d", directory.string(), logits.size(),
                    model.positions.size(), model.vocab_size, model.logits.size() * sizeof(float));
  }
  std::memcpy(model.logits.data(), logits.data(), logits.size());
  return model;
}

absl::StatusOr<std::vector<TinyModel>> ReadTinyModels() {
  std::vector<TinyModel> models;
  for (const auto& entry : std::filesystem::directory_iterator(ENGINE_TINY_MODELS)) {
    ASSIGN_OR_RETURN(TinyModel model, ReadTinyModel(entry.path()));
    models.push_back(std::move(model));
  }
  std::ranges::sort(models, {}, &TinyModel::name);
  return models;
}

std::vector<float> DrawWeights(uint64_t seed, const TinyTensor& tensor) {
  std::vector<float> values(std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>()));
  WordStream words(seed, tensor.name);
  for (float& value : values) {
    const auto top_byte = static_cast<float>(words.Next() >> 56);
    value = tensor.centre + tensor.step * (top_byte - 128.0f);
  }
  return values;
}

uint64_t Checksum(std::span<const float> values) { return Fnv1a(std::as_bytes(values)); }

absl::Status WriteTinyCheckpoint(const TinyModel& model, DType dtype, const std::filesystem::path& directory) {
  if (dtype != DType::kF32 && dtype != DType::kF16 && dtype != DType::kBF16) {
    return InvalidArgument("a tiny checkpoint cannot be %s; use f32, f16 or bf16", Name(dtype));
  }
  SafetensorsWriter weights;
  for (const TinyTensor& tensor : model.tensors) {
    weights.AddTensor(tensor.name, dtype, tensor.shape, DrawWeights(model.seed, tensor));
  }
  RETURN_IF_ERROR(WriteFile(directory / "model.safetensors", weights.Bytes()));
  return WriteFile(directory / "config.json", model.config_json);
}

}  // namespace engine
