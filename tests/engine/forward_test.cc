// Logits of the same tokens on every instruction set of this machine, in any chunks, by any number of threads.
#include "engine/forward.h"

#include <algorithm>

#include "engine/inspect.h"
#include "engine/open_model.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"
#include "tests/support/environment.h"

namespace engine {
namespace {

constexpr int kTokens = 52;  // two blocks of the cache, and more than a window

// From the least to the best that this machine has.
std::vector<std::string> MachineIsas() {
  std::vector<std::string> isas;
  for (const char* isa : {"portable", "avx2", "avx512", "amx"}) {
    const ForcedIsa forced(isa);
    if (InspectDevices().front().state.ok()) isas.emplace_back(isa);
  }
  return isas;
}

// The model as one instruction set and a number of threads run it.
class RunningModel {
 public:
  RunningModel(const ModelOnDisk& model, const std::string& isa, int threads, const char* kv_cache_dtype = "auto") {
    const ForcedIsa forced(isa);
    auto opened =
        OpenModel({.model = model.path(), .threads = threads, .max_num_seqs = 1, .kv_cache_dtype = kv_cache_dtype});
    EXPECT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
    opened_.options.limits.max_sampled = kTokens;
    auto loaded = LoadModel(opened_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    loaded_ = *std::move(loaded);
  }

  std::vector<float> Logits(int chunk) {
    std::vector<float> logits;
    const absl::Status run = ForwardSequence(
        loaded_, RandomTokens(1, kTokens), chunk,
        [&](int64_t, std::span<const float> row) { logits.insert(logits.end(), row.begin(), row.end()); });
    EXPECT_TRUE(run.ok()) << run;
    return logits;
  }

 private:
  OpenedModel opened_;
  LoadedModel loaded_;
};

class Forward : public ::testing::TestWithParam<DType> {};

TEST_P(Forward, ChunksAndThreadsChangeNoLogit) {
  for (const bool window : {false, true}) {
    if (window && IsBlockQuantised(GetParam())) continue;  // GGUF has no key for layers of two kinds
    const ModelOnDisk model({.weights = GetParam(), .sliding_window = window});
    for (const std::string& isa : MachineIsas()) {
      RunningModel one(model, isa, 1), three(model, isa, 3);
      const std::vector<float> whole = one.Logits(kTokens);
      for (const int chunk : {1, 7, 40}) EXPECT_TRUE(one.Logits(chunk) == whole) << isa << ", chunks of " << chunk;
      EXPECT_TRUE(three.Logits(40) == whole) << isa << ", three threads";
    }
  }
}

TEST_P(Forward, QuantisedModelHasTheSameLogitsOnEveryInstructionSet) {
  if (!IsBlockQuantised(GetParam())) GTEST_SKIP() << "only integer linears promise it";
  const ModelOnDisk model({.weights = GetParam()});
  const std::vector<std::string> isas = MachineIsas();
  for (const char* kv : {"bf16", "int8"}) {
    const std::vector<float> expected = RunningModel(model, isas.front(), 1, kv).Logits(kTokens);
    for (const std::string& isa : isas) {
      EXPECT_TRUE(RunningModel(model, isa, 1, kv).Logits(7) == expected) << isa << ", KV cache of " << kv;
    }
  }
}

// The head that most checkpoints of 4 and 8 bits have; its rows are longer than what oneDNN adds up in one go.
TEST(UnquantisedHead, HasTheSameLogitsOnEveryInstructionSet) {
  const std::vector<std::string> isas = MachineIsas();
  for (const DType head : {DType::kF32, DType::kBF16}) {
    const ModelOnDisk model({.weights = DType::kW8, .head = head, .hidden = 1024});
    const std::vector<float> expected = RunningModel(model, isas.front(), 1).Logits(kTokens);
    for (const std::string& isa : isas) {
      EXPECT_TRUE(RunningModel(model, isa, 1).Logits(kTokens) == expected) << isa << ", head of " << Name(head);
    }
  }
}

// Every weight is one of the f32 model's; activations rounded to int8 are all that differs. Each linear's error is below
// 1/254 of what it sums, and errors of different signs add up slowly: 5 % of the logits' range is far above them, and far
// below what a scale lost or misplaced would do.
TEST(RowScales, MakeIntegersTheNumbersTheyStandFor) {
  const ModelOnDisk floats({.weights = DType::kF32}), integers({.weights = DType::kW8});
  const std::vector<float> expected = RunningModel(floats, MachineIsas().back(), 1).Logits(kTokens);
  const std::vector<float> logits = RunningModel(integers, MachineIsas().back(), 1).Logits(kTokens);
  const auto [least, greatest] = std::ranges::minmax(expected);
  ASSERT_EQ(logits.size(), expected.size());
  for (size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected[i], 0.05f * (greatest - least)) << i;
}

// The same blocks, however a checkpoint stores them.
TEST(Int4Schemes, AllGiveTheSameLogits) {
  const std::string isa = MachineIsas().back();
  for (const DType format : {DType::kW4G32, DType::kW4G128Bf16}) {
    const ModelOnDisk compressed({.weights = format});
    const std::vector<float> expected = RunningModel(compressed, isa, 1).Logits(kTokens);
    for (const Int4Scheme scheme : {Int4Scheme::kAwq, Int4Scheme::kGptq, Int4Scheme::kGptqV2}) {
      const ModelOnDisk model({.weights = format, .scheme = scheme});
      EXPECT_TRUE(RunningModel(model, isa, 2).Logits(kTokens) == expected) << static_cast<int>(scheme);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Forward, ::testing::ValuesIn(kTinyFormats),
                         [](const auto& info) { return std::string(Name(info.param)); });

}  // namespace
}  // namespace engine
