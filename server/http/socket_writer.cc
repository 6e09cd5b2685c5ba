#include "server/http/socket_writer.h"

#include <linux/aio_abi.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace engine {

size_t WriteAtOnce(int socket, std::string_view bytes) {
  const ssize_t written = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return written < 0 ? 0 : static_cast<size_t>(written);
}

SocketWriter::~SocketWriter() {
  if (context_ != 0) ::syscall(SYS_io_destroy, context_);
}

// Unlike send, io_submit cannot be told to raise no SIGPIPE.
void SocketWriter::Open() {
  is_open_ = true;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  const bool is_blocked = pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0;
  if (!is_blocked || ::syscall(SYS_io_setup, kMostAtOnce, &context_) != 0) context_ = 0;
  // What is submitted must be awaited, which a sandbox may forbid.
  if (context_ != 0 && ::syscall(SYS_io_getevents, context_, 0, 0, nullptr, nullptr) != 0) context_ = 0;
}

void SocketWriter::Write(std::span<SocketWrite> writes) {
  if (!is_open_ && writes.size() > 1) Open();
  const size_t submitted = writes.size() > 1 && context_ != 0 ? Submit(writes) : 0;
  for (SocketWrite& write : writes.subspan(submitted)) write.written = WriteAtOnce(write.socket, write.bytes);
}

// The first ones, as many as it returns.
size_t SocketWriter::Submit(std::span<SocketWrite> writes) {
  std::array<iocb, kMostAtOnce> blocks;
  std::array<iocb*, kMostAtOnce> pointers;
  for (size_t i = 0; i < writes.size(); ++i) {
    blocks[i] = {.aio_data = i,
                 .aio_lio_opcode = IOCB_CMD_PWRITE,
                 .aio_fildes = static_cast<uint32_t>(writes[i].socket),
                 .aio_buf = reinterpret_cast<uintptr_t>(writes[i].bytes.data()),
                 .aio_nbytes = writes[i].bytes.size()};
    pointers[i] = &blocks[i];
  }
  const long submitted = ::syscall(SYS_io_submit, context_, writes.size(), pointers.data());
  if (submitted <= 0) return 0;
  std::array<io_event, kMostAtOnce> events;
  for (long ended = 0; ended < submitted;) {
    const long more = ::syscall(SYS_io_getevents, context_, 1, submitted - ended, events.data(), nullptr);
    for (long e = 0; e < more; ++e) writes[events[e].data].written = static_cast<size_t>(std::max(events[e].res, 0LL));
    ended += std::max(more, 0L);
  }
  return static_cast<size_t>(submitted);
}

}  // namespace engine
