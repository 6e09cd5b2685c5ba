// The fixtures themselves: what Python drew and stored is what C++ reads and writes.
#include "tests/models/tiny_checkpoint.h"

#include <algorithm>

#include "core/base/bf16.h"
#include "core/base/files.h"
#include "core/weights/safetensors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/models.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

std::vector<TinyModel> AllModels() {
  auto models = ReadTinyModels();
  EXPECT_TRUE(models.ok()) << models.status();
  return models.ok() ? *std::move(models) : std::vector<TinyModel>{};
}

// A model of two small tensors, without a fixture.
TinyModel SmallModel() {
  return {.config_json = "{}",
          .seed = 7,
          .tensors = {{.name = "matrix", .shape = {3, 5}, .centre = 0.0f, .step = 0x1p-9f},
                      {.name = "norm", .shape = {4}, .centre = 1.0f, .step = 0x1p-7f}}};
}

TEST(TinyCheckpoint, FixturesCoverEveryArchitecture) {
  std::string configs;
  for (const TinyModel& model : AllModels()) configs += model.config_json;
  for (const ModelDefinition& model : Models()) EXPECT_THAT(configs, HasSubstr(std::string(model.architecture)));
}

TEST(TinyCheckpoint, EveryWeightIsDrawnAsPythonDrewIt) {
  for (const TinyModel& model : AllModels()) {
    for (const TinyTensor& tensor : model.tensors) {
      EXPECT_EQ(Checksum(DrawWeights(model.seed, tensor)), tensor.checksum) << model.name << " " << tensor.name;
    }
  }
}

TEST(TinyCheckpoint, FirstGreedyTokenIsTheLargestOfTheLastStoredLogits) {
  for (const TinyModel& model : AllModels()) {
    ASSERT_EQ(model.positions.back() + 1, static_cast<int32_t>(model.prompt.size())) << model.name;
    const auto last_row = std::span(model.logits).last(model.vocab_size).first(model.used_vocab);
    EXPECT_EQ(std::ranges::max_element(last_row) - last_row.begin(), model.greedy.front()) << model.name;
  }
}

TEST(TinyCheckpoint, OurReaderFindsTheTensorsThatWereWritten) {
  const TinyModel model = SmallModel();
  const TempDir directory;
  ASSERT_TRUE(WriteTinyCheckpoint(model, DType::kF32, directory.path()).ok());

  const std::string bytes = *ReadFile(directory.path() + "/model.safetensors");
  const auto file = ParseSafetensors(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->tensors.size(), 2u);
  EXPECT_EQ(file->tensors[0].name, "matrix");
  EXPECT_THAT(file->tensors[0].shape, ElementsAreArray({3, 5}));
  const std::vector<float> norm = DrawWeights(model.seed, model.tensors[1]);
  EXPECT_THAT(file->tensors[1].data, ElementsAreArray(std::as_bytes(std::span(norm))));
  EXPECT_EQ(*ReadFile(directory.path() + "/config.json"), model.config_json);
}

TEST(TinyCheckpoint, HalfPrecisionHoldsEveryWeightExactly) {
  for (const TinyModel& model : AllModels()) {
    for (const TinyTensor& tensor : model.tensors) {
      for (const float value : DrawWeights(model.seed, tensor)) {
        ASSERT_EQ(Bf16ToF32(F32ToBf16(value)), value) << model.name << " " << tensor.name;
        ASSERT_EQ(F16ToF32(F32ToF16(value)), value) << model.name << " " << tensor.name;
      }
    }
  }
}

TEST(TinyCheckpoint, QuantisedCheckpointIsRefused) {
  const TempDir directory;
  const absl::Status status = WriteTinyCheckpoint(SmallModel(), DType::kQ4_0, directory.path());
  EXPECT_THAT(std::string(Message(status)), HasSubstr("use f32, f16 or bf16"));
}

TEST(TinyCheckpoint, MissingFixtureNamesTheScriptThatMakesIt) {
  const TempDir directory;
  const auto model = ReadTinyModel(directory.path() + "/absent");
  EXPECT_THAT(std::string(Message(model.status())), HasSubstr("make_fixtures.py"));
}

}  // namespace
}  // namespace engine
