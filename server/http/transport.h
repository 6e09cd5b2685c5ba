// A connection's bytes, plain or under TLS. For server/http's own sources: it brings in Asio.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "boost/asio/awaitable.hpp"
#include "boost/asio/generic/stream_protocol.hpp"
#include "server/http/tls_files.h"

namespace engine {

// One Read and one Write may be under way at once. Everything runs on the executor of its socket.
class Transport {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;  // TCP or Unix
  using ErrorCode = boost::system::error_code;

  struct ReadResult {
    ErrorCode error;
    size_t bytes = 0;
  };

  virtual ~Transport() = default;

  virtual boost::asio::awaitable<ErrorCode> Handshake() = 0;
  virtual boost::asio::awaitable<ReadResult> Read(std::span<char> to) = 0;
  virtual boost::asio::awaitable<ErrorCode> Write(std::string_view bytes) = 0;
  // Tells the client that no more comes, while a Read may be under way. TLS has an end of its own, without which an answer
  // that goes on to the end of the connection counts as cut; what the client sends from then on only Discard reads.
  virtual boost::asio::awaitable<void> EndSending() = 0;
  // After EndSending: reads what still comes, until no more does.
  boost::asio::awaitable<void> Discard();
  virtual Socket& socket() = 0;
  // A socket that does not block and takes bytes as they are, from any thread while no Write is under way: Asio's sockets
  // are for one thread at a time. -1: only Write can.
  virtual int plain_socket() = 0;
};

// Of a server. tls null: plain.
std::unique_ptr<Transport> MakeTransport(Transport::Socket socket, const TlsContext& tls);
// Of a client, which asks for `host`; where `tls` verifies, the certificate must be that host's. It must outlive the
// transport.
std::unique_ptr<Transport> MakeClientTransport(Transport::Socket socket, boost::asio::ssl::context* tls,
                                               const std::string& host);

}  // namespace engine
