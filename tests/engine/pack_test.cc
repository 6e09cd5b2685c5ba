// A packed model is the model it was made from: same answers, weights in place; and what is refused, and why.
#include <filesystem>
#include <fstream>

#include "core/weights/checkpoint_packed.h"
#include "engine/open_model.h"
#include "engine/pack_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

// A model on disk and the same packed.
class PackedModel {
 public:
  explicit PackedModel(const TinyChatModel& model) : source_(model), path_(directory_.path() + "/tiny.packed") {
    const absl::Status packed = PackModel({.model = source_.path(), .threads = 1}, path_);
    EXPECT_TRUE(packed.ok()) << packed;
  }
  const ModelOnDisk& source() const { return source_; }
  const std::string& path() const { return path_; }

 private:
  ModelOnDisk source_;
  TempDir directory_;
  std::string path_;
};

void Overwrite(const std::string& path, size_t at, char byte) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

// A packed file of our own making in `directory`.
std::string WriteVariant(const TempDir& directory, const std::vector<CopiedFile>& files,
                         const std::vector<SourceTensor>& tensors) {
  std::vector<EmbeddedFile> embedded;
  for (const CopiedFile& file : files) embedded.push_back({file.name, std::as_bytes(std::span(file.bytes))});
  std::string bytes;
  const auto append = [&bytes](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    return absl::OkStatus();
  };
  EXPECT_TRUE(WritePacked(embedded, tensors, append).ok());
  return directory.Write("variant.packed", bytes);
}

Generation AnswerOf(const std::string& path, EngineOptions options = {}) {
  options.model = path;
  options.threads = 1;
  const auto engine = Engine::Create(options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  if (!engine.ok()) return {};
  GenerationRequest request{.messages = {{"user", "hello"}},
                            .sampling = {.temperature = 0, .ignore_eos = true, .max_tokens = 12, .logprobs = 5}};
  return Answer(**engine, request);
}

class Packed : public ::testing::TestWithParam<DType> {};

TEST_P(Packed, ModelAnswersAsItsCheckpoint) {
  const PackedModel model({.weights = GetParam()});
  ExpectSame(AnswerOf(model.path()), AnswerOf(model.source().path()), "packed");
}

TEST_P(Packed, WeightsStayInTheFile) {
  const PackedModel model({.weights = GetParam()});
  auto opened = OpenModel({.model = model.path(), .threads = 1, .max_model_len = 64});
  ASSERT_TRUE(opened.ok()) << opened.status();
  const auto loaded = LoadModel(*opened);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const WeightStore& weights = loaded->runner->weights();
  EXPECT_EQ(weights.packed_bytes(), 64 * 64 * 4) << "the RoPE table is computed";
  EXPECT_GT(weights.mapped_bytes(), 400'000);
  EXPECT_TRUE(VerifyPackedModel(model.path()).ok());
}

INSTANTIATE_TEST_SUITE_P(Formats, Packed, ::testing::ValuesIn(kTinyFormats),
                         [](const auto& info) { return std::string(Name(info.param)); });

TEST(PackedModels, KeepWhatTheAuthorRecommends) {
  const PackedModel model({.weights = DType::kBF16, .generation_config = R"({"temperature": 0.25, "top_k": 7})"});
  const auto engine = Engine::Create({.model = model.path(), .threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->model().default_sampling.temperature, 0.25f);
  EXPECT_EQ((*engine)->model().default_sampling.top_k, 7);
  EXPECT_NE((*engine)->model().chat_template, "");
}

// Rows as checkpoints have them, which no kernel of a linear takes.
TEST(PackedModels, OfOtherKernelsArePackedAgainWithOneLine) {
  const ModelOnDisk model({.weights = DType::kF32});
  const auto checkpoint = Checkpoint::Open(model.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  std::vector<SourceTensor> tensors = (*checkpoint)->tensors();
  for (SourceTensor& tensor : tensors) tensor.packed = {"row_major", 1};
  const auto copied = CopySideFiles(**checkpoint);
  ASSERT_TRUE(copied.ok()) << copied.status();
  const TempDir directory;
  const std::string path = WriteVariant(directory, *copied, tensors);

  std::vector<std::string> lines;
  const auto warn = [&lines](const std::string& line) { lines.push_back(line); };
  ExpectSame(AnswerOf(path, {.warn = warn}), AnswerOf(model.path()), "packed again");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], AllOf(HasSubstr(path), HasSubstr("`engine pack`")));
}

// Exact kernels may take another layout than the ones the file was packed for.
TEST(PackedModels, RunAtAnyNumericsLevel) {
  for (const DType dtype : {DType::kBF16, DType::kF32, DType::kQ4_0}) {
    const PackedModel model({.weights = dtype});
    const EngineOptions exact{.numerics = Numerics::kExact, .warn = nullptr};
    ExpectSame(AnswerOf(model.path(), exact), AnswerOf(model.source().path(), exact), std::string(Name(dtype)));
  }
}

TEST(PackedModels, OfItsOwnKernelsWarnOfNothing) {
  const PackedModel model({.weights = DType::kQ4_0});
  std::vector<std::string> lines;
  AnswerOf(model.path(), {.warn = [&lines](const std::string& line) { lines.push_back(line); }});
  EXPECT_THAT(lines, IsEmpty());
}

TEST(PackedModels, DamagedOnesSayWhatToDo) {
  const PackedModel model({.weights = DType::kQ4_0});
  const size_t size = fs::file_size(model.path());
  Overwrite(model.path(), 100, '\x7f');
  EXPECT_THAT(Refusal({.model = model.path()}),
              AllOf(HasSubstr("tiny.packed"), HasSubstr("damaged"), HasSubstr("`engine pack`")));
  fs::resize_file(model.path(), size / 2);
  EXPECT_THAT(Refusal({.model = model.path()}), AllOf(HasSubstr(std::to_string(size)), HasSubstr("`engine pack`")));
}

TEST(PackedModels, VerifyNamesTheTensorThatIsDamaged) {
  const PackedModel model({.weights = DType::kQ8_0});
  Overwrite(model.path(), fs::file_size(model.path()) - 1, '\x7f');
  EXPECT_EQ(Refusal({.model = model.path()}), "started") << "loading does not read them";
  EXPECT_THAT(std::string(Message(VerifyPackedModel(model.path()))),
              AllOf(HasSubstr("tiny.packed"), HasSubstr("tensor"), HasSubstr("damaged")));
}

TEST(PackedModels, OfAnotherVersionOfALayoutAreRefused) {
  const PackedModel model({.weights = DType::kQ4_0});
  const auto checkpoint = Checkpoint::Open(model.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  for (const auto& [layout, version] : {std::pair("panel16", 999), std::pair("panel1000", 1)}) {
    std::vector<SourceTensor> tensors = (*checkpoint)->tensors();
    for (SourceTensor& tensor : tensors) {
      if (tensor.packed && tensor.packed->name == "panel16") tensor.packed = {layout, version};
    }
    const TempDir directory;
    const std::string path =
        WriteVariant(directory, {{"keys.gguf", GgufWithoutTensors(*(*checkpoint)->gguf())}}, tensors);
    EXPECT_THAT(Refusal({.model = path}), AllOf(HasSubstr(path), HasSubstr(layout), HasSubstr(std::to_string(version)),
                                                HasSubstr("`engine pack`")));
  }
}

TEST(PackedModels, OnAnotherKindOfDeviceSayWhatToLoad) {
  const PackedModel model({.weights = DType::kQ4_0});
  for (const int devices : {1, 2}) {
    EXPECT_THAT(Refusal({.model = model.path(), .device = "simt", .tensor_parallel_size = devices}),
                AllOf(HasSubstr(model.path()), HasSubstr("is for the CPU; on simt:32 load the checkpoint")));
  }
}

TEST(PackedModels, AreNotPackedTwice) {
  const PackedModel model({.weights = DType::kQ4_0});
  const absl::Status again = PackModel({.model = model.path(), .threads = 1}, model.path() + "2");
  EXPECT_THAT(std::string(Message(again)), AllOf(HasSubstr("tiny.packed"), HasSubstr("packed already")));
  EXPECT_FALSE(fs::exists(model.path() + "2"));
}

}  // namespace
}  // namespace engine
