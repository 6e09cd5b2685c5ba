#include "core/weights/packed_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/weights/mutations.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::span<const std::byte> BytesOf(const std::string& text) { return std::as_bytes(std::span(text)); }

// Data is borrowed from `data`.
std::vector<SourceTensor> Tensors(const std::string& data) {
  return {{.name = "empty", .dtype = DType::kF32, .shape = {0}, .data = {}},
          {.name = "norm", .dtype = DType::kF32, .shape = {2}, .data = BytesOf(data).first(8)},
          {.name = "q", .dtype = DType::kQ4_0, .shape = {1, 32}, .data = BytesOf(data), .packed = {{"panel16", 3}}}};
}

std::string Packed(const std::vector<SourceTensor>& tensors) {
  const std::string config = R"({"a":1})";
  std::string file;
  const auto append = [&file](std::span<const std::byte> bytes) {
    file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  };
  const EmbeddedFile files[] = {{"config.json", BytesOf(config)}, {"empty.json", {}}};
  EXPECT_TRUE(WritePacked(files, tensors, append).ok());
  return file;
}

std::string ErrorOf(std::string_view bytes) {
  const auto parsed = ParsePackedFile(ExactBytes(bytes));
  return parsed.ok() ? "no error" : std::string(Message(parsed.status()));
}

uint64_t HeaderBytes(const std::string& file) {
  PackedPreamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  return preamble.header_bytes;
}

TEST(PackedFile, GivesBackWhatWasWritten) {
  const std::string data(100, 'x');
  const std::vector<SourceTensor> written = Tensors(data);
  const std::string file = Packed(written);
  const auto parsed = ParsePackedFile(BytesOf(file));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->files.size(), 2u);
  EXPECT_EQ(parsed->files[0].name, "config.json");
  EXPECT_EQ(parsed->files[0].bytes.size(), 7u);
  ASSERT_EQ(parsed->tensors.size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    const SourceTensor& tensor = parsed->tensors[i];
    EXPECT_EQ(tensor.name, written[i].name);
    EXPECT_EQ(tensor.dtype, written[i].dtype);
    EXPECT_EQ(tensor.shape, written[i].shape);
    EXPECT_EQ(tensor.packed.has_value(), written[i].packed.has_value());
    EXPECT_TRUE(std::ranges::equal(tensor.data, written[i].data));
  }
  EXPECT_EQ(parsed->tensors[2].packed->name, "panel16");
  EXPECT_EQ(parsed->tensors[2].packed->version, 3);
  EXPECT_TRUE(VerifyPackedTensors(*parsed).ok());
}

TEST(PackedFile, StartsTensorsAtCacheLinesAndLargeOnesAtPages) {
  const std::string small(10, 'x'), large(5000, 'x');
  std::vector<SourceTensor> tensors;
  for (const std::string* data : {&small, &large, &small, &large}) {
    const PackedLayout layout{"panel16", 1};
    tensors.push_back({std::to_string(tensors.size()), DType::kF32, {1}, BytesOf(*data), layout});
  }
  const std::string file = Packed(tensors);
  const auto parsed = ParsePackedFile(BytesOf(file));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  for (const SourceTensor& tensor : parsed->tensors) {
    const auto offset = reinterpret_cast<const char*>(tensor.data.data()) - file.data();
    EXPECT_EQ(offset % (tensor.data.size() < 4096 ? 64 : 4096), 0) << tensor.name;
  }
}

// A damaged header is refused; damaged data is for whoever asks.
TEST(PackedFile, SeesEveryDamagedBit) {
  const std::string data(100, 'x');
  const std::string file = Packed(Tensors(data));
  const uint64_t header_bytes = HeaderBytes(file);
  for (size_t bit = 0; bit < 8 * header_bytes; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    EXPECT_NE(ErrorOf(damaged), "no error") << "bit " << bit;
  }
  std::string damaged = file;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  const auto parsed = ParsePackedFile(BytesOf(damaged));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(std::string(Message(VerifyPackedTensors(*parsed))), AllOf(HasSubstr("tensor q"), HasSubstr("damaged")));
}

TEST(PackedFile, ReadsNoByteOutsideADamagedOne) {
  ForEachMutation(Packed(Tensors(std::string(100, 'x'))), [](std::span<const std::byte> bytes) {
    const auto parsed = ParsePackedFile(bytes);
    if (parsed.ok()) SumBytes(parsed->tensors);
  });
}

TEST(PackedFile, RefusalSaysWhatIsWrongAndWhatToDo) {
  const std::string file = Packed(Tensors(std::string(100, 'x')));
  EXPECT_THAT(ErrorOf("GGUF, or so it says"), HasSubstr("not a file of `engine pack`"));
  EXPECT_THAT(ErrorOf(file.substr(0, 20)), HasSubstr("cut short"));
  const std::string one_short = ErrorOf(file.substr(0, file.size() - 1));
  EXPECT_THAT(one_short, AllOf(HasSubstr(std::to_string(file.size() - 1)), HasSubstr(std::to_string(file.size())),
                               HasSubstr("`engine pack`")));
  std::string newer = file;
  newer[offsetof(PackedPreamble, version)] = 2;
  EXPECT_THAT(ErrorOf(newer), AllOf(HasSubstr("version 2"), HasSubstr("`engine pack`")));
}

TEST(PackedFile, TensorThatIsNotPackedHasTheSizeOfItsShape) {
  const std::string data(100, 'x');
  std::vector<SourceTensor> tensors = Tensors(data);
  tensors[1].data = BytesOf(data);
  EXPECT_THAT(ErrorOf(Packed(tensors)), AllOf(HasSubstr("norm"), HasSubstr("100 bytes"), HasSubstr("takes 8")));
  tensors = Tensors(data);
  tensors[0].name = "norm";
  EXPECT_THAT(ErrorOf(Packed(tensors)), HasSubstr("norm appears twice"));
}

}  // namespace
}  // namespace engine
