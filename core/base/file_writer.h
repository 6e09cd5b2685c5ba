// Writes a file whole or not at all: under another name until it is complete.
//
// Bytes go out in blocks of 8 MiB, each at a multiple of its size. Linux (ext4, xfs) then keeps the file in its cache as
// 2 MiB pages, and whoever maps it has it in place at once, with a five hundredth of the entries in the page table.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace engine {

class FileWriter {
 public:
  // Errors here and below name the path and the system's reason.
  static absl::StatusOr<std::unique_ptr<FileWriter>> Create(const std::string& path);
  ~FileWriter();  // removes what was not committed

  absl::Status Append(std::span<const std::byte> bytes);
  // The file appears under its name, in the place of another one of that name.
  absl::Status Commit();

 private:
  FileWriter(std::string path, int fd);
  absl::Status Flush();

  const std::string path_;
  const std::string incomplete_;
  int fd_;
  std::vector<std::byte> block_;
};

}  // namespace engine
