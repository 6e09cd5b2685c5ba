#include "server/key_file.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

// A file of keys that is replaced as editors and mounted secrets do it: under another name, then moved.
struct Keys {
  TempDir directory;
  std::string path = directory.path() + "/keys";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> nobody{std::fopen("/dev/null", "w"), std::fclose};
  Log log{Log::Format::kPlain, fileno(nobody.get())};
  std::unique_ptr<KeyFile> file;

  explicit Keys(const std::string& text, std::vector<std::string> fixed = {}) {
    Write(text);
    auto opened = KeyFile::Open(std::move(fixed), path, log);
    EXPECT_TRUE(opened.ok()) << opened.status();
    file = *std::move(opened);
  }
  void Write(const std::string& text) {
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }
  std::optional<int> Find(const std::string& key) const {
    return file->keys()->Find({.headers = {{"authorization", "Bearer " + key}}});
  }
};

TEST(KeyFile, AChangedFileTakesTheOldKeysPlace) {
  Keys keys("one\ntwo\n", {"fixed"});
  EXPECT_EQ(keys.Find("fixed"), 0);
  EXPECT_EQ(keys.Find("two"), 2);
  keys.Write("three\n");
  EXPECT_EQ(keys.Find("three"), std::nullopt);
  keys.file->ReloadIfChanged();
  EXPECT_EQ(keys.Find("three"), 3) << "a number is given once";
  EXPECT_EQ(keys.Find("one"), std::nullopt);
  EXPECT_EQ(keys.Find("fixed"), 0);
}

TEST(KeyFile, AnEditorsMarksAreNoPartOfAKey) {
  const Keys keys("\xEF\xBB\xBFone\r\n\r\ntwo\r\n");
  EXPECT_EQ(keys.Find("one"), 0);
  EXPECT_EQ(keys.Find("two"), 1);
  EXPECT_EQ(Keys("one\n\xEF\xBB\xBFtwo\n").Find("\xEF\xBB\xBFtwo"), 1);  // which is one at the beginning only
}

TEST(KeyFile, ABadFileLeavesTheKeysAsTheyAre) {
  Keys keys("one\n");
  keys.Write("# nobody\n");
  keys.file->Reload();
  EXPECT_EQ(keys.Find("one"), 0);
  std::filesystem::remove(keys.path);
  keys.file->ReloadIfChanged();
  EXPECT_EQ(keys.Find("one"), 0);
  keys.Write("two\n");
  keys.file->ReloadIfChanged();
  EXPECT_EQ(keys.Find("two"), 1);
  EXPECT_EQ(keys.Find("one"), std::nullopt);
}

TEST(KeyFile, WithoutAFileTheKeysAreThoseOfTheFlags) {
  Keys unused("x\n");
  const auto file = KeyFile::Open({"fixed"}, "", unused.log);
  ASSERT_TRUE(file.ok()) << file.status();
  (*file)->Reload();
  EXPECT_EQ((*file)->keys()->Find({.headers = {{"x-api-key", "fixed"}}}), 0);
}

}  // namespace
}  // namespace engine
