#include "core/base/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

namespace engine {

// Not with streams: reading a directory through their buffers throws.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  if (file == nullptr) return NotFound("%s cannot be read: %s", path.string(), std::strerror(errno));
  std::string text;
  std::array<char, 1 << 16> chunk;
  while (const size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get())) text.append(chunk.data(), count);
  if (std::ferror(file.get()) != 0) return DataLoss("%s cannot be read: %s", path.string(), std::strerror(errno));
  return text;
}

absl::Status WriteFile(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file ? absl::OkStatus() : InvalidArgument("%s cannot be written", path.string());
}

}  // namespace engine
