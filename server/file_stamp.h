// Tells that a file is another one, or was written, since it was looked at.
#pragma once

#include <cstdint>
#include <string>

namespace engine {

struct FileStamp {
  int64_t device = 0, inode = 0, bytes = 0, written_ns = 0;  // all 0: there is none
  bool operator==(const FileStamp&) const = default;

  // Follows links: a mounted secret is replaced by turning one.
  static FileStamp Of(const std::string& path);
};

}  // namespace engine
