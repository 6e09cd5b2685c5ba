#include "core/weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/weights/quant.h"
#include "core/weights/safetensors_writer.h"
#include "tests/unit/weights/mutations.h"

namespace engine {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ErrorOf(const std::string& file) {
  const ExactBytes bytes(file);
  const auto parsed = ParseSafetensors(bytes);
  return parsed.ok() ? "no error" : std::string(Message(parsed.status()));
}

std::string SmallModel() {
  SafetensorsWriter writer;
  writer.AddTensor("embed", DType::kBF16, {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  writer.AddTensor("norm", DType::kF32, {2}, std::vector<float>{0.5f, -1});
  return writer.Bytes();
}

TEST(Safetensors, GivesTensorsTheirShapesAndTheirBytes) {
  const ExactBytes bytes(SmallModel());
  const auto file = ParseSafetensors(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->tensors.size(), 2u);
  EXPECT_EQ(file->tensors[0].name, "embed");
  EXPECT_EQ(file->tensors[0].dtype, DType::kBF16);
  EXPECT_THAT(file->tensors[0].shape, ElementsAre(2, 3));
  std::vector<float> values(6);
  DequantizeRow(DType::kBF16, file->tensors[0].data, values);
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Safetensors, AcceptsScalarsEmptyTensorsMetadataAndPadding) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"scalar":{"dtype":"F16","shape":[],"data_offsets":[0,2]},)"
      R"("empty":{"dtype":"F32","shape":[0,8],"data_offsets":[2,2]}}   )";
  const ExactBytes bytes(SafetensorsWriter::Assemble(header, "ab"));
  const auto file = ParseSafetensors(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->tensors[0].shape, IsEmpty());
  EXPECT_THAT(file->tensors[1].data, IsEmpty());
}

TEST(Safetensors, TakesIntegersInWholeBlocksForWeightsAndListsOthersApart) {
  SafetensorsWriter writer;
  writer.AddRaw("weight", "I8", {2, 32}, std::string(64, '\x81'));
  writer.AddRaw("flags", "I8", {2, 3}, std::string(6, '\0'));
  writer.AddRaw("flag", "I8", {}, std::string(1, '\0'));
  const ExactBytes bytes(writer.Bytes());
  const auto file = ParseSafetensors(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->tensors.size(), 1u);
  EXPECT_EQ(file->tensors[0].dtype, DType::kW8);
  std::vector<float> values(32);
  DequantizeRow(DType::kW8, file->tensors[0].data.first(32), values);
  EXPECT_THAT(values, Each(-127));
  EXPECT_EQ(file->raw.size(), 2u);
}

TEST(Safetensors, ListsTensorsOfOtherTypesApart) {
  SafetensorsWriter writer;
  writer.AddRaw("position_ids", "I64", {1}, std::string(8, '\0'));
  writer.AddTensor("norm", DType::kF32, {1}, std::vector<float>{1});
  const ExactBytes bytes(writer.Bytes());
  const auto file = ParseSafetensors(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->raw.size(), 1u);
  EXPECT_EQ(file->raw[0].name, "position_ids");
  EXPECT_EQ(file->raw[0].dtype, "I64");
  EXPECT_THAT(file->raw[0].shape, ElementsAre(1));
  EXPECT_EQ(file->raw[0].data.size(), 8u);
  EXPECT_EQ(file->tensors.size(), 1u);
}

struct BadFile {
  std::string header;
  std::string data;
  std::string message;
};

TEST(Safetensors, SaysWhatIsWrongWithAnInvalidFile) {
  const std::string eight(8, '\0');
  const BadFile cases[] = {
      {"{", "", "not valid JSON"},
      {"[]", "", "not a JSON object"},
      {R"({"w":1})", "", "tensor w is not an object"},
      {R"({"w":{"shape":[2],"data_offsets":[0,8]}})", eight, "tensor w has no text \"dtype\""},
      {R"({"w":{"dtype":"F32","data_offsets":[0,8]}})", eight, "tensor w has no array \"shape\""},
      {R"({"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", eight, "must hold integers from 0"},
      {R"({"w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", eight, "must hold integers from 0"},
      {R"({"w":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", eight, "2^63"},
      {R"({"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", eight, "64 bits can count"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[8]}})", eight, "it must be [begin, end]"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", eight, "it must be [begin, end]"},
      {R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}})", eight, "cut short: tensor w ends at byte 12"},
      {R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", eight,
       "needs 12 bytes, and its data_offsets span 8"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight, "no tensor covers the bytes 0 to 4"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight, "no tensor covers the bytes 4 to 8"},
      {R"({"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F16","shape":[2],"data_offsets":[4,8]}})",
       eight, "tensor w overlaps"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       eight, "the key \"w\" twice"},
  };
  for (const BadFile& bad : cases) {
    EXPECT_THAT(ErrorOf(SafetensorsWriter::Assemble(bad.header, bad.data)), HasSubstr(bad.message));
  }
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFile) {
  EXPECT_THAT(ErrorOf("\1\2\3"), HasSubstr("the header's length"));
  EXPECT_THAT(ErrorOf(std::string(8, '\xff') + "{}"), HasSubstr("the header needs 18446744073709551615 bytes"));
}

TEST(Safetensors, SurvivesDamageAnywhere) {
  ForEachMutation(SmallModel(), [](std::span<const std::byte> bytes) {
    if (const auto file = ParseSafetensors(bytes); file.ok()) SumBytes(file->tensors);
  });
}

TEST(Safetensors, NoticesWhenTheEndIsMissing) {
  const std::string file = SmallModel();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(ErrorOf(file.substr(0, size)), HasSubstr("cut short")) << size;
  }
}

}  // namespace
}  // namespace engine
