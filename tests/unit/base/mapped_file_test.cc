#include "core/base/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

std::string TextOf(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytesOfItsFile) {
  const TempDir dir;
  const auto file = MappedFile::Open(dir.Write("weights", "abc"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(TextOf(*file), "abc");
  EXPECT_EQ(file->path(), dir.path() + "/weights");
}

TEST(MappedFile, IsEmptyForAnEmptyFile) {
  const TempDir dir;
  const auto file = MappedFile::Open(dir.Write("weights", ""));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, KeepsItsBytesInPlaceWhenMoved) {
  const TempDir dir;
  auto first = MappedFile::Open(dir.Write("first", "first"));
  auto second = MappedFile::Open(dir.Write("second", "second"));
  ASSERT_TRUE(first.ok() && second.ok());
  const std::byte* address = first->bytes().data();
  *second = *std::move(first);
  EXPECT_EQ(second->bytes().data(), address);
  EXPECT_EQ(TextOf(*second), "first");
}

TEST(MappedFile, ReadsTheSameAfterHints) {
  const TempDir dir;
  const std::string text(100'000, 'x');
  const auto file = MappedFile::Open(dir.Write("weights", text));
  ASSERT_TRUE(file.ok()) << file.status();
  Prefetch(file->bytes().subspan(5000, 50'000));
  ReleasePages(file->bytes().subspan(1, 99'999));
  Prefetch({});
  WantLargePages(file->bytes());
  Populate(file->bytes().subspan(3, 70'000));
  Populate({});
  EXPECT_EQ(TextOf(*file), text);
}

TEST(MappedFile, NamesThePathAndTheReasonOfAnError) {
  const TempDir dir;
  const absl::Status missing = MappedFile::Open(dir.path() + "/absent").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Message(missing)), HasSubstr("/absent: cannot open it: No such file or directory"));
  const absl::Status directory = MappedFile::Open(dir.path()).status();
  EXPECT_THAT(std::string(Message(directory)), HasSubstr(dir.path() + ": not a regular file"));
}

TEST(MappedFile, DoesNotWaitForAPipe) {
  const TempDir dir;
  const std::string pipe = dir.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(std::string(Message(MappedFile::Open(pipe).status())), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace engine
