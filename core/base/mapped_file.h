// A file mapped read-only into memory. The bytes live until the owner dies, and pages are read when first touched.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/base/status.h"

namespace engine {

// Unique owner of one mapping; moving it leaves the bytes where they are. Reading from several threads is fine.
// A file that another process cuts short while it is mapped ends ours with SIGBUS: replace checkpoints by renaming.
class MappedFile {
 public:
  // Errors name the path and the system's reason. An empty file gives an empty span.
  static absl::StatusOr<MappedFile> Open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}

  std::string path_;
  std::span<const std::byte> bytes_;
};

// Hints about any part of a mapping; the bytes read the same with or without them.
void Prefetch(std::span<const std::byte> mapped);      // starts reading these pages from disk
void ReleasePages(std::span<const std::byte> mapped);  // will not be read soon: the pages stop counting as resident
void WantLargePages(
    std::span<const std::byte> mapped);  // reads from disk should fill 2 MiB pages where it can have them
// Returns once the pages are in memory and in the page table, so that the first to read them waits for nothing.
void Populate(std::span<const std::byte> mapped);

}  // namespace engine
