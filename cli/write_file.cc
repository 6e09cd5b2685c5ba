#include "cli/write_file.h"

#include <fstream>

namespace engine {

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return file ? absl::OkStatus() : InvalidArgument("%s cannot be written", path);
}

}  // namespace engine
