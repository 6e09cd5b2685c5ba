#include "tests/support/write_file.h"

#include <fstream>

namespace engine {

absl::Status WriteFile(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) return InvalidArgument("%s could not be written", path.string());
  return absl::OkStatus();
}

}  // namespace engine
