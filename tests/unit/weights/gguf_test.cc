#include "core/weights/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/weights/quant.h"
#include "tests/support/gguf_writer.h"
#include "tests/unit/weights/mutations.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::string Raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}
std::string Text(std::string_view text) { return Raw(uint64_t{text.size()}) + std::string(text); }

std::string Header(uint64_t num_tensors, uint64_t num_entries, uint32_t version = 3) {
  return "GGUF" + Raw(version) + Raw(num_tensors) + Raw(num_entries);
}

std::string Record(std::string_view name, const std::vector<int64_t>& fastest_first, uint32_t type, uint64_t offset) {
  std::string record = Text(name) + Raw(static_cast<uint32_t>(fastest_first.size()));
  for (const int64_t dimension : fastest_first) record += Raw(dimension);
  return record + Raw(type) + Raw(offset);
}

constexpr uint32_t kF32 = 0, kQ4_0 = 2, kQ2_K = 10;

// A file of these tensor records and `data_bytes` of data.
std::string WithRecords(const std::vector<std::string>& records, size_t data_bytes) {
  std::string file = Header(records.size(), 0);
  for (const std::string& record : records) file += record;
  file.resize((file.size() + 31) / 32 * 32);
  return file + std::string(data_bytes, '\1');
}

std::string ErrorOf(const std::string& file) {
  const ExactBytes bytes(file);
  const auto parsed = ParseGguf(bytes);
  return parsed.ok() ? "no error" : std::string(Message(parsed.status()));
}

std::string SmallModel() {
  GgufWriter writer;
  writer.Set("general.architecture", "llama").Set("llama.block_count", 2u);
  writer.Set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "bc", ""});
  writer.AddTensor("token_embd.weight", DType::kQ4_0, {3, 32}, std::vector<float>(96, 0.5f));
  writer.AddTensor("output_norm.weight", DType::kF32, {4}, std::vector<float>{1, 2, 3, 4});
  return writer.Bytes();
}

TEST(Gguf, ReadsEveryValueType) {
  GgufWriter writer;
  writer.Set("u8", uint8_t{200}).Set("i8", int8_t{-100}).Set("u16", uint16_t{60000}).Set("i16", int16_t{-30000});
  writer.Set("u32", uint32_t{4000000000}).Set("i32", -2000000000).Set("u64", uint64_t{1} << 62).Set("i64", int64_t{-5});
  writer.Set("f32", 0.1f).Set("f64", 0.1).Set("yes", true).Set("text", "h\xc3\xa9");
  writer.Set("numbers", std::vector<int32_t>{-1, 7}).Set("reals", std::vector<float>{0.5f, -2.0f});
  writer.Set("words", std::vector<std::string>{"", "one"});
  const ExactBytes bytes(writer.Bytes());
  const auto file = ParseGguf(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  const GgufMetadata& metadata = file->metadata;
  EXPECT_EQ(*metadata.Get<int64_t>("u8"), 200);
  EXPECT_EQ(*metadata.Get<int64_t>("i8"), -100);
  EXPECT_EQ(*metadata.Get<int64_t>("u16"), 60000);
  EXPECT_EQ(*metadata.Get<int64_t>("i16"), -30000);
  EXPECT_EQ(*metadata.Get<int64_t>("u32"), 4000000000);
  EXPECT_EQ(*metadata.Get<int64_t>("i32"), -2000000000);
  EXPECT_EQ(*metadata.Get<int64_t>("u64"), int64_t{1} << 62);
  EXPECT_EQ(*metadata.Get<int64_t>("i64"), -5);
  EXPECT_EQ(*metadata.Get<double>("f32"), 0.1f);
  EXPECT_EQ(*metadata.Get<double>("f64"), 0.1);
  EXPECT_EQ(*metadata.Get<bool>("yes"), true);
  EXPECT_EQ(*metadata.Get<std::string_view>("text"), "h\xc3\xa9");
  EXPECT_THAT(*metadata.Get<std::vector<int64_t>>("numbers"), ElementsAre(-1, 7));
  EXPECT_THAT(*metadata.Get<std::vector<double>>("reals"), ElementsAre(0.5, -2.0));
  EXPECT_THAT(*metadata.Get<std::vector<std::string_view>>("words"), ElementsAre("", "one"));
  EXPECT_EQ(metadata.Get<double>("u8"), nullptr);
  EXPECT_EQ(metadata.Get<int64_t>("absent"), nullptr);
}

TEST(Gguf, GivesTensorsTheirTorchShapesAndTheirBytes) {
  const ExactBytes bytes(SmallModel());
  const auto file = ParseGguf(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->tensors.size(), 2u);
  const SourceTensor& embedding = file->tensors[0];
  EXPECT_EQ(embedding.name, "token_embd.weight");
  EXPECT_EQ(embedding.dtype, DType::kQ4_0);
  EXPECT_THAT(embedding.shape, ElementsAre(3, 32));
  EXPECT_EQ(embedding.data.size(), 3u * 18);
  std::vector<float> norm(4);
  DequantizeRow(DType::kF32, file->tensors[1].data, norm);
  EXPECT_THAT(norm, ElementsAre(1, 2, 3, 4));
}

TEST(Gguf, HonoursTheFilesOwnAlignment) {
  std::string file = Header(1, 1) + Text("general.alignment") + Raw(uint32_t{4}) + Raw(uint32_t{64});
  file += Record("w", {1}, kF32, 64);
  file.resize((file.size() + 63) / 64 * 64 + 64);
  file += Raw(2.5f);
  const ExactBytes bytes(file);
  const auto parsed = ParseGguf(bytes);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  std::vector<float> value(1);
  DequantizeRow(DType::kF32, parsed->tensors[0].data, value);
  EXPECT_EQ(value[0], 2.5f);
}

struct BadFile {
  std::string file;
  std::string message;
};

TEST(Gguf, SaysWhatIsWrongWithAnInvalidHeader) {
  const BadFile cases[] = {
      {"", "needs 4 bytes"},
      {"PK\3\4", "not a GGUF file"},
      {Header(0, 0, 1), "GGUF version 1 is not supported"},
      {Header(0, 0, 0x03000000), "big-endian"},
      {Header(1ull << 40, 0), "limit"},
      {Header(0, ~0ull), "limit"},
      {Header(0, 1) + Raw(~0ull), "a key's name"},
      {Header(0, 1) + Text("k") + Raw(uint32_t{13}), "key k has value type 13"},
      {Header(0, 2) + Text("k") + Raw(uint32_t{7}) + "\1" + Text("k") + Raw(uint32_t{7}) + "\1", "key k appears twice"},
      {Header(0, 1) + Text("k") + Raw(uint32_t{7}) + "\2", "boolean 2"},
      {Header(0, 1) + Text("k") + Raw(uint32_t{10}) + Raw(~0ull), "2^63"},
      {Header(0, 1) + Text("k") + Raw(uint32_t{9}) + Raw(uint32_t{9}) + Raw(uint64_t{1}), "array of arrays"},
      {Header(0, 1) + Text("k") + Raw(uint32_t{9}) + Raw(uint32_t{0}) + Raw(1ull << 50), "limit"},
      {Header(0, 1) + Text("k") + Raw(uint32_t{9}) + Raw(uint32_t{4}) + Raw(uint64_t{3}) + Raw(1u), "cut short"},
      {Header(0, 1) + Text("general.alignment") + Raw(uint32_t{4}) + Raw(24u), "general.alignment is 24"},
      {Header(0, 1) + Text("general.alignment") + Raw(uint32_t{4}) + Raw(0u), "general.alignment is 0"},
  };
  for (const BadFile& bad : cases) EXPECT_THAT(ErrorOf(bad.file), HasSubstr(bad.message));
}

TEST(Gguf, SaysWhatIsWrongWithATensor) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  const BadFile cases[] = {
      {WithRecords({Record("w", {1, 1, 1, 1, 1}, kF32, 0)}, 64), "tensor w has 5 dimensions"},
      {WithRecords({Record("w", {0}, kF32, 0)}, 64), "tensor w has a dimension of 0"},
      {WithRecords({Record("w", {-4}, kF32, 0)}, 64), "tensor w has a dimension of -4"},
      {WithRecords({Record("w", {huge, 2}, kF32, 0)}, 64), "more values than 64 bits"},
      {WithRecords({Record("w", {huge}, kF32, 0)}, 64), "more bytes than 64 bits"},
      {WithRecords({Record("w", {40, 2}, kQ4_0, 0)}, 64), "tensor w of shape [2, 40]: rows of 40 values do not fill"},
      {WithRecords({Record("w", {256}, kQ2_K, 0)}, 84), "tensor w has GGUF type 10, which is not supported; use"},
      {WithRecords({Record("w", {4}, kF32, 0), Record("w", {4}, kF32, 32)}, 64), "tensor w appears twice"},
      {WithRecords({Record("v", {9}, kF32, 0), Record("w", {4}, kF32, 32)}, 64), "tensors v and w overlap"},
      {WithRecords({Record("w", {4}, kF32, 8)}, 64), "offset 8, which is not a multiple of the alignment 32"},
      {WithRecords({Record("w", {17}, kF32, 0)}, 64), "cut short: tensor w needs 68 bytes"},
      {WithRecords({Record("w", {1}, kF32, ~31ull)}, 64), "cut short"},
  };
  for (const BadFile& bad : cases) EXPECT_THAT(ErrorOf(bad.file), HasSubstr(bad.message));
}

TEST(Gguf, SurvivesDamageAnywhere) {
  ForEachMutation(SmallModel(), [](std::span<const std::byte> bytes) {
    if (const auto file = ParseGguf(bytes); file.ok()) SumBytes(file->tensors);
  });
}

TEST(Gguf, NoticesWhenTheEndIsMissing) {
  const std::string file = SmallModel();
  // The last tensor ends 16 bytes before the end of the file's padding.
  for (size_t size = 0; size < file.size() - 16; ++size) {
    EXPECT_THAT(ErrorOf(file.substr(0, size)), HasSubstr("cut short")) << size;
  }
}

}  // namespace
}  // namespace engine
