// 4-bit weights of AWQ, GPTQ and compressed-tensors, read back as rows of blocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "core/weights/checkpoint.h"
#include "core/weights/int4_tensor.h"
#include "core/weights/quant.h"
#include "tests/support/int4_writer.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

constexpr DType kFormats[] = {DType::kW4G32,     DType::kW4G64,     DType::kW4G128,
                              DType::kW4G32Bf16, DType::kW4G64Bf16, DType::kW4G128Bf16};
constexpr int64_t kN = 40, kK = 384;

// Rows with every integer and zero point that `scheme` has, and scales of any bits.
std::vector<std::byte> RandomRows(DType dtype, Int4Scheme scheme) {
  std::mt19937 random(5);
  std::vector<std::byte> rows(kN * RowBytes(dtype, kK));
  for (std::byte& byte : rows) byte = static_cast<std::byte>(random());
  const auto [least, most] = ZeroPointsOf(scheme);
  for (size_t block = 0; block < rows.size(); block += Info(dtype).block_bytes) {
    rows[block + 2] = static_cast<std::byte>(least + static_cast<int>(random() % (most - least + 1)));
  }
  return rows;
}

// A checkpoint of one weight, "w"; tests change its settings, or drop and add tensors.
struct OneWeight {
  explicit OneWeight(Int4Scheme scheme, DType dtype = DType::kW4G128)
      : rows(RandomRows(dtype, scheme)), config({{"quantization_config", Int4Config(scheme)}}) {
    AddInt4({"w", kN, kK, dtype, rows}, scheme, writer);
  }
  absl::StatusOr<std::unique_ptr<Checkpoint>> Open() const {
    directory.Write("config.json", config.dump());
    directory.Write("model.safetensors", writer.Bytes());
    return Checkpoint::Open(directory.path());
  }
  std::string Refusal() const {
    const auto opened = Open();
    return opened.ok() ? "no error" : std::string(Message(opened.status()));
  }

  TempDir directory;
  std::vector<std::byte> rows;
  Json config;
  SafetensorsWriter writer;
};

std::vector<std::byte> Rows(const SourceTensor& tensor, int64_t begin, int64_t end) {
  std::vector<std::byte> rows((end - begin) * RowBytes(tensor.dtype, tensor.shape[1]));
  ReadRows(*tensor.int4, begin, end, rows.data());
  return rows;
}

TEST(Int4, EverySchemeGivesBackTheBlocksItWasMadeOf) {
  for (const Int4Scheme scheme : kInt4Schemes) {
    for (const DType dtype : kFormats) {
      const OneWeight weight(scheme, dtype);
      const auto opened = weight.Open();
      ASSERT_TRUE(opened.ok()) << opened.status();
      const SourceTensor* tensor = (*opened)->Find("w.weight");
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->dtype, dtype);
      EXPECT_EQ(tensor->shape, (std::vector{kN, kK}));
      EXPECT_EQ(Rows(*tensor, 0, kN), weight.rows) << Name(dtype) << " of scheme " << static_cast<int>(scheme);
    }
  }
}

TEST(Int4, RowsMayBeReadInParts) {
  for (const Int4Scheme scheme : kInt4Schemes) {
    const OneWeight weight(scheme);
    const auto opened = weight.Open();
    ASSERT_TRUE(opened.ok()) << opened.status();
    std::vector<std::byte> rows = Rows(*(*opened)->Find("w.weight"), 0, 16);
    const std::vector<std::byte> others = Rows(*(*opened)->Find("w.weight"), 16, kN);
    rows.insert(rows.end(), others.begin(), others.end());
    EXPECT_EQ(rows, weight.rows);
  }
}

// Files of make_int4_fixtures.py: "expected" is what numpy makes of the tensors beside it.
TEST(Int4, DequantisesToTheNumbersThatNumpyGets) {
  int fixtures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ENGINE_INT4_FIXTURES)) {
    if (!entry.is_directory()) continue;
    ++fixtures;
    const auto opened = Checkpoint::Open(entry.path());
    ASSERT_TRUE(opened.ok()) << opened.status();
    const SourceTensor* tensor = (*opened)->Find("proj.weight");
    const SourceTensor* expected = (*opened)->Find("expected");
    ASSERT_TRUE(tensor != nullptr && expected != nullptr) << entry.path();
    ASSERT_EQ(tensor->shape, expected->shape) << entry.path();
    const int64_t n = tensor->shape[0], k = tensor->shape[1];
    const std::vector<std::byte> rows = Rows(*tensor, 0, n);
    std::vector<float> values(k), wanted(k);
    for (int64_t row = 0; row < n; ++row) {
      const auto row_bytes = static_cast<size_t>(RowBytes(tensor->dtype, k));
      DequantizeRow(tensor->dtype, std::span(rows).subspan(row * row_bytes, row_bytes), values);
      DequantizeRow(DType::kF32, expected->data.subspan(row * k * 4, k * 4), wanted);
      ASSERT_EQ(values, wanted) << entry.path() << " row " << row;
    }
  }
  EXPECT_EQ(fixtures, 9);
}

TEST(Int4, GroupsOrderedByActivationAreRefusedByName) {
  OneWeight weight(Int4Scheme::kAwq);
  std::vector<int32_t> order(kK, 0);
  weight.writer.AddRaw("w.g_idx", "I32", {kK}, {reinterpret_cast<const char*>(order.data()), 4 * order.size()});
  EXPECT_THAT(weight.Refusal(),
              AllOf(HasSubstr("w.g_idx"), HasSubstr("input 128 into group 0"), HasSubstr("desc_act")));
}

TEST(Int4, NamesTheTensorThatIsAbsentOrDoesNotFit) {
  const auto refusal = [](std::vector<std::pair<std::string, std::vector<int64_t>>> words, std::string scale_type,
                          std::vector<int64_t> scale_shape) {
    OneWeight weight(Int4Scheme::kGptq);
    weight.writer = {};
    for (const auto& [name, shape] : words) {
      weight.writer.AddRaw(name, "I32", shape, std::string(4 * NumValues(shape), '\0'));
    }
    weight.writer.AddRaw("w.scales", scale_type, scale_shape, std::string(2 * NumValues(scale_shape), '\0'));
    return weight.Refusal();
  };
  EXPECT_THAT(refusal({{"w.qweight", {32, 8}}}, "F16", {2, 8}), HasSubstr("no tensor w.qzeros"));
  EXPECT_THAT(refusal({{"w.qweight", {32}}}, "F16", {2, 8}), HasSubstr("w.qweight is [32]; it must be a matrix"));
  EXPECT_THAT(refusal({{"w.qweight", {32, 8}}, {"w.qzeros", {2, 1}}}, "I16", {2, 8}), HasSubstr("w.scales is I16"));
  EXPECT_THAT(refusal({{"w.qweight", {32, 8}}, {"w.qzeros", {3, 1}}}, "F16", {2, 8}), HasSubstr("w.qzeros is [3, 1]"));
  EXPECT_THAT(refusal({{"w.qweight", {32, 16}}, {"w.qzeros", {2, 1}}}, "F16", {2, 8}), HasSubstr("[32, 16]"));
  EXPECT_THAT(refusal({{"w.qweight", {32, 8}}, {"w.qzeros", {3, 1}}}, "F16", {3, 8}),
              HasSubstr("3 scales for rows of 256"));
  EXPECT_THAT(refusal({{"w.qweight", {8, 8}}, {"w.qzeros", {4, 1}}}, "F16", {4, 8}), HasSubstr("a multiple of 32"));
}

}  // namespace
}  // namespace engine
