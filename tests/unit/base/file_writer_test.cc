#include "core/base/file_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/mapped_file.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

size_t NumFiles(const TempDir& dir) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(dir.path()), {}));
}

TEST(FileWriter, WritesWhatWasAppendedAcrossItsBlocks) {
  const TempDir dir;
  const std::string path = dir.path() + "/file";
  std::vector<std::byte> bytes((size_t{17} << 20) + 5);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);
  auto writer = FileWriter::Create(path);
  ASSERT_TRUE(writer.ok()) << writer.status();
  const std::span<const std::byte> all(bytes);
  for (const auto part : {all.first(3), all.subspan(3, 9'000'000), all.subspan(9'000'003)}) {
    ASSERT_TRUE((*writer)->Append(part).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path)) << "it is not whole yet";
  ASSERT_TRUE((*writer)->Commit().ok());
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(std::ranges::equal(file->bytes(), bytes));
  EXPECT_EQ(NumFiles(dir), 1u);
}

TEST(FileWriter, LeavesNothingWhereItWasNotCommitted) {
  const TempDir dir;
  const std::string before = dir.Write("file", "before");
  {
    ASSERT_TRUE((*FileWriter::Create(before))->Append(std::as_bytes(std::span("after"))).ok());
  }
  EXPECT_EQ(NumFiles(dir), 1u);
  EXPECT_EQ(MappedFile::Open(before)->bytes().size(), 6u);
}

TEST(FileWriter, NamesThePathAndTheReasonOfAnError) {
  const TempDir dir;
  const absl::Status absent = FileWriter::Create("absent/file").status();
  EXPECT_THAT(std::string(Message(absent)), HasSubstr("absent/file: cannot write it: No such file or directory"));
  const absl::Status directory = FileWriter::Create(dir.path()).status();
  EXPECT_THAT(std::string(Message(directory)), HasSubstr(dir.path() + ": cannot write it: Is a directory"));
}

// /dev/full has no room for a byte.
TEST(FileWriter, LeavesNothingOnADiskThatIsFull) {
  const TempDir dir;
  const std::string path = dir.path() + "/file";
  std::filesystem::create_symlink("/dev/full", path + ".incomplete");
  {
    const auto writer = FileWriter::Create(path);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append(std::as_bytes(std::span("text"))).ok());
    EXPECT_THAT(std::string(Message((*writer)->Commit())),
                HasSubstr(path + ": cannot write it: No space left on device"));
  }
  EXPECT_EQ(NumFiles(dir), 0u);
}

}  // namespace
}  // namespace engine
