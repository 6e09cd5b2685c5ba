#include "core/base/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace engine {
namespace {

constexpr size_t kBlockBytes = size_t{8} << 20;
constexpr char kSuffix[] = ".incomplete";

absl::Status WriteError(const std::string& path) {
  return absl::UnavailableError(absl::StrFormat("%s: cannot write it: %s", path, std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileWriter>> FileWriter::Create(const std::string& path) {
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) {
    errno = EISDIR;
    return WriteError(path);
  }
  const int fd = ::open((path + kSuffix).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return WriteError(path);
  return std::unique_ptr<FileWriter>(new FileWriter(path, fd));
}

FileWriter::FileWriter(std::string path, int fd) : path_(std::move(path)), incomplete_(path_ + kSuffix), fd_(fd) {
  block_.reserve(kBlockBytes);
}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(incomplete_.c_str());
}

absl::Status FileWriter::Append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kBlockBytes - block_.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (block_.size() == kBlockBytes) RETURN_IF_ERROR(Flush());
  }
  return absl::OkStatus();
}

absl::Status FileWriter::Flush() {
  for (size_t at = 0; at < block_.size();) {
    const ssize_t written = ::write(fd_, block_.data() + at, block_.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return WriteError(path_);
    at += static_cast<size_t>(written);
  }
  block_.clear();
  return absl::OkStatus();
}

absl::Status FileWriter::Commit() {
  RETURN_IF_ERROR(Flush());
  // Disks may take bytes and fail later; and a name must not reach the disk before what it names.
  if (::fdatasync(fd_) != 0) return WriteError(path_);
  if (::close(std::exchange(fd_, -1)) != 0 || std::rename(incomplete_.c_str(), path_.c_str()) != 0) {
    const absl::Status error = WriteError(path_);
    ::unlink(incomplete_.c_str());
    return error;
  }
  return absl::OkStatus();
}

}  // namespace engine
