// What sockets take at once.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace engine {

// Returns how much: 0 where the socket takes nothing now, or never will again.
size_t WriteAtOnce(int socket, std::string_view bytes);

struct SocketWrite {
  int socket;  // that does not block
  std::string_view bytes;
  size_t written = 0;
};

// Writes to many sockets in one system call: after each of its own the kernel would let a client run that the bytes have
// woken on this core, and take the caches along. Where the kernel has no such call, one after the other. Belongs to the
// thread that writes, for which it blocks SIGPIPE.
class SocketWriter {
 public:
  // Within what a caller may lock for them at once (ThreadSanitizer follows 64 locks).
  static constexpr size_t kMostAtOnce = 32;

  SocketWriter() = default;
  SocketWriter(const SocketWriter&) = delete;
  SocketWriter& operator=(const SocketWriter&) = delete;
  ~SocketWriter();

  // At most kMostAtOnce.
  void Write(std::span<SocketWrite> writes);

 private:
  void Open();
  size_t Submit(std::span<SocketWrite> writes);

  bool is_open_ = false;
  unsigned long context_ = 0;  // of asynchronous I/O, which sockets do at once; 0: there is none
};

}  // namespace engine
