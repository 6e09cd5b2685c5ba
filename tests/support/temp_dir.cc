#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "core/base/check.h"
#include "core/base/files.h"

namespace engine {

TempDir::TempDir() : path_((std::filesystem::temp_directory_path() / "engine_test_XXXXXX").string()) {
  ENGINE_CHECK(::mkdtemp(path_.data()) != nullptr);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Write(const std::string& name, std::string_view bytes) const {
  const std::string path = path_ + "/" + name;
  ENGINE_CHECK(WriteFile(path, bytes).ok());
  return path;
}

}  // namespace engine
