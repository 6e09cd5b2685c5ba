// A client that sends any bytes, so that tests decide what a server gets to see.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace engine {

class SocketClient {
 public:
  // Aborts the test process if nobody listens: the server under test said that it does.
  explicit SocketClient(int port);
  explicit SocketClient(const std::string& unix_path);
  ~SocketClient() { Close(); }
  SocketClient(SocketClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), ahead_(std::move(other.ahead_)) {}
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;

  // False when the server has closed.
  bool Send(std::string_view bytes);
  // Closes its side: no more is sent, what comes is read.
  void EndSending();
  // Reads until `end` has come or the server closes, and returns all that came since the last call.
  std::string ReadUntil(std::string_view end);
  std::string ReadToEnd() { return ReadUntil(std::string_view()); }
  void Close();

 private:
  int fd_ = -1;
  std::string ahead_;
};

}  // namespace engine
