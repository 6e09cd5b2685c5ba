#include "core/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace engine {
namespace {

absl::Status SystemError(const std::string& path, const char* action) {
  const int error = errno;
  const std::string message = absl::StrFormat("%s: cannot %s: %s", path, action, std::strerror(error));
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(message);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// madvise wants whole pages. Pages shared with a neighbour are included; for a hint that is harmless.
void Advise(std::span<const std::byte> mapped, int advice) {
  if (mapped.empty()) return;
  const auto page_bytes = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(mapped.data());
  const uintptr_t first_page = begin / page_bytes * page_bytes;
  ::madvise(reinterpret_cast<void*>(first_page), begin + mapped.size() - first_page, advice);
}

}  // namespace

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  // A pipe is refused below, and not waited for.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return SystemError(path, "open it");
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return SystemError(path, "read its size");
  if (!S_ISREG(info.st_mode)) return InvalidArgument("%s: not a regular file", path);
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile(path, {});
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return SystemError(path, "map it into memory");
  return MappedFile(path, {static_cast<const std::byte*>(address), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void Prefetch(std::span<const std::byte> mapped) { Advise(mapped, MADV_WILLNEED); }

void ReleasePages(std::span<const std::byte> mapped) { Advise(mapped, MADV_DONTNEED); }

void WantLargePages(std::span<const std::byte> mapped) { Advise(mapped, MADV_HUGEPAGE); }

void Populate(std::span<const std::byte> mapped) {
#ifdef MADV_POPULATE_READ  // Linux 5.14; before, pages come when they are read
  Advise(mapped, MADV_POPULATE_READ);
#else
  Advise(mapped, MADV_WILLNEED);
#endif
}

}  // namespace engine
