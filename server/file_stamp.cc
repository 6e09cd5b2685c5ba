#include "server/file_stamp.h"

#include <sys/stat.h>

namespace engine {

FileStamp FileStamp::Of(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return {};
  return {.device = static_cast<int64_t>(found.st_dev),
          .inode = static_cast<int64_t>(found.st_ino),
          .bytes = found.st_size,
          .written_ns = int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

}  // namespace engine
