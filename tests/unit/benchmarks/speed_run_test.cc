// What a run counts, over a tiny model.
#include "benchmarks/speed_run.h"

#include "gtest/gtest.h"
#include "tests/models/tiny_chat_model.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

class SpeedRunTest : public ::testing::Test {
 protected:
  // All steps of one repetition, three at a time.
  static StepWork Repeat(SpeedRun& run) {
    EXPECT_TRUE(run.Begin().ok());
    StepWork total;
    while (!run.done()) total += run.Slice(3).value();
    return total;
  }

  StepWork Measure(const SpeedTest& test, const std::string& device = "cpu", int devices = 1) {
    const auto path = WriteTinyChatModel({.weights = DType::kQ8_0}, directory_.path());
    EXPECT_TRUE(path.ok());
    const EngineOptions options{.model = *path, .device = device, .tensor_parallel_size = devices, .threads = 1};
    model_ = BenchModel::Create(options, {test}).value();
    SpeedRun run = SpeedRun::Create(*model_, test, 1).value();
    const StepWork first = Repeat(run);
    const StepWork second = Repeat(run);
    EXPECT_EQ(first.tokens, second.tokens);
    EXPECT_EQ(first.bytes, second.bytes);
    return second;
  }

  TempDir directory_;
  std::unique_ptr<BenchModel> model_;
};

TEST_F(SpeedRunTest, CountsTheTokensItMakes) {
  const StepWork work = Measure({.generated_tokens = 7});
  EXPECT_EQ(work.tokens, 7);
  EXPECT_EQ(work.steps, 7);
  EXPECT_GT(work.seconds, 0);
}

TEST_F(SpeedRunTest, StepsOfABatchMakeATokenForEachSequence) {
  const StepWork work = Measure({.generated_tokens = 7, .batch = 3});
  EXPECT_EQ(work.tokens, 21);
  EXPECT_EQ(work.steps, 7);
}

TEST_F(SpeedRunTest, CountsOfSeveralDevicesTheWorkOfEach) {
  const StepWork alone = Measure({.generated_tokens = 2}, "simt:64");
  EXPECT_EQ(model_->device_name(), "simt:64");
  const StepWork shared = Measure({.generated_tokens = 2}, "simt:64", 2);
  EXPECT_EQ(model_->device_name(), "2 x simt:64");
  EXPECT_EQ(shared.tokens, alone.tokens);
  EXPECT_LT(shared.bytes, 0.7 * alone.bytes);
}

TEST_F(SpeedRunTest, FindsTheDepthInTheCacheEveryTime) {
  const StepWork shallow = Measure({.prompt_tokens = 16, .depth = 0});
  const StepWork deep = Measure({.prompt_tokens = 16, .depth = 64});
  EXPECT_EQ(deep.tokens, shallow.tokens);
  EXPECT_EQ(deep.layer_operations, shallow.layer_operations);
  // Each of 16 tokens sees 64 positions more than (1 + ... + 16) / 16 = 8.5.
  EXPECT_DOUBLE_EQ(deep.attention_operations / shallow.attention_operations, (64 + 8.5) / 8.5);
  EXPECT_GT(deep.bytes, shallow.bytes);
}

TEST_F(SpeedRunTest, ReadsPromptsOfABatchWhole) {
  const StepWork work = Measure({.prompt_tokens = 20, .batch = 3, .depth = 33});
  EXPECT_EQ(work.tokens, 3 * (20 + 1));  // blocks of 32 are found again; the depth's last token is not in a whole one
  EXPECT_GT(work.head_operations, 0);
  EXPECT_GT(work.layer_operations, work.head_operations);
}

}  // namespace
}  // namespace engine
