// Our logits against Hugging Face transformers', on tiny random models of every architecture.
#include "backends/backends.h"
#include "engine/forward.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/tiny_checkpoint.h"
#include "tests/support/temp_dir.h"

namespace engine {

void PrintTo(const TinyModel& model, std::ostream* out) { *out << model.name; }

namespace {

// f32 weights and KV: both sides round every sum differently, and the logits are of order 1 to 10.
constexpr double kTolerance = 1e-4;

struct OpenModel {
  TempDir directory;
  std::unique_ptr<Checkpoint> checkpoint;
  std::shared_ptr<Device> device;
  LoadedModel model;
};

absl::StatusOr<std::unique_ptr<OpenModel>> Open(const TinyModel& tiny, DType dtype) {
  auto open = std::make_unique<OpenModel>();
  RETURN_IF_ERROR(WriteTinyCheckpoint(tiny, dtype, open->directory.path()));
  ASSIGN_OR_RETURN(open->checkpoint, Checkpoint::Open(open->directory.path()));
  ASSIGN_OR_RETURN(const WeightCatalog catalog, WeightCatalog::Create(*open->checkpoint));
  ASSIGN_OR_RETURN(const DecoderConfig config, ParseModel(catalog));
  ASSIGN_OR_RETURN(open->device, OpenDevice("cpu", {.threads = 2}));
  KernelRegistry registry;
  RegisterKernels(registry);
  const ModelOptions options{
      .limits = {.max_num_seqs = 4, .max_num_batched_tokens = 64, .max_model_len = 1024, .max_sampled = 64}};
  ASSIGN_OR_RETURN(PlannedModel planned, PlanModel(config, catalog, registry, open->device->info(), options));
  ASSIGN_OR_RETURN(open->model,
                   LoadModel(*open->checkpoint, std::move(planned), registry, {&open->device, 1}, options));
  return open;
}

std::vector<std::vector<float>> Logits(LoadedModel& model, std::span<const int32_t> tokens, int chunk) {
  std::vector<std::vector<float>> rows;
  const absl::Status status = ForwardSequence(model, tokens, chunk, [&](int64_t, std::span<const float> logits) {
    rows.emplace_back(logits.begin(), logits.end());
  });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

class Oracle : public ::testing::TestWithParam<TinyModel> {};

TEST_P(Oracle, LogitsAgreeWithTransformers) {
  const TinyModel& tiny = GetParam();
  auto open = Open(tiny, DType::kF32);
  ASSERT_TRUE(open.ok()) << open.status();
  const auto rows = Logits((*open)->model, tiny.prompt, 64);
  ASSERT_EQ(rows.size(), tiny.prompt.size());
  double worst = 0;
  for (size_t p = 0; p < tiny.positions.size(); ++p) {
    const auto expected = std::span(tiny.logits).subspan(p * tiny.vocab_size, tiny.vocab_size);
    for (int32_t id = 0; id < tiny.vocab_size; ++id) {
      worst = std::max<double>(worst, std::abs(rows[tiny.positions[p]][id] - expected[id]));
    }
  }
  EXPECT_LE(worst, kTolerance);
}

TEST_P(Oracle, PrefillIsTokenByToken) {
  auto open = Open(GetParam(), DType::kF32);
  ASSERT_TRUE(open.ok()) << open.status();
  const auto whole = Logits((*open)->model, GetParam().prompt, 64);
  // Not EXPECT_EQ, which would print every logit.
  for (const int chunk : {1, 7}) EXPECT_TRUE(Logits((*open)->model, GetParam().prompt, chunk) == whole) << chunk;
}

INSTANTIATE_TEST_SUITE_P(TinyModels, Oracle, ::testing::ValuesIn(*ReadTinyModels()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace engine
