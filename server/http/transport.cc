#include "server/http/transport.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <tuple>
#include <utility>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/ssl/host_name_verification.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace engine {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

template <typename Stream>
asio::awaitable<Transport::ReadResult> ReadFrom(Stream& stream, std::span<char> to) {
  const auto [error, bytes] = co_await stream.async_read_some(asio::buffer(to.data(), to.size()), kAwait);
  co_return Transport::ReadResult{error, bytes};
}

template <typename Stream>
asio::awaitable<Transport::ErrorCode> WriteTo(Stream& stream, std::string_view bytes) {
  const auto [error, written] = co_await asio::async_write(stream, asio::buffer(bytes.data(), bytes.size()), kAwait);
  co_return error;
}

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {
    ErrorCode ignored;
    socket_.native_non_blocking(true, ignored);
  }

  asio::awaitable<ErrorCode> Handshake() override { co_return ErrorCode(); }
  asio::awaitable<ReadResult> Read(std::span<char> to) override { return ReadFrom(socket_, to); }
  asio::awaitable<ErrorCode> Write(std::string_view bytes) override { return WriteTo(socket_, bytes); }
  asio::awaitable<void> EndSending() override {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    co_return;
  }
  Socket& socket() override { return socket_; }
  int plain_socket() override { return socket_.native_handle(); }

 private:
  Socket socket_;
};

class TlsTransport : public Transport {
 public:
  TlsTransport(Socket socket, TlsContext tls) : tls_(std::move(tls)), stream_(std::move(socket), *tls_) {}
  TlsTransport(Socket socket, asio::ssl::context& tls, const std::string& host)
      : stream_(std::move(socket), tls), role_(asio::ssl::stream_base::client) {
    SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
    stream_.set_verify_callback(asio::ssl::host_name_verification(host));
  }

  asio::awaitable<ErrorCode> Handshake() override {
    const auto [error] = co_await stream_.async_handshake(role_, kAwait);
    co_return error;
  }
  asio::awaitable<ReadResult> Read(std::span<char> to) override { return ReadFrom(stream_, to); }
  asio::awaitable<ErrorCode> Write(std::string_view bytes) override { return WriteTo(stream_, bytes); }
  // Awaits no end of the client's: until that came, the library would take the rest of a request for an attack.
  asio::awaitable<void> EndSending() override {
    SSL_set_shutdown(stream_.native_handle(), SSL_RECEIVED_SHUTDOWN);
    co_await stream_.async_shutdown(kAwait);
    ErrorCode ignored;
    socket().shutdown(Socket::shutdown_send, ignored);
  }
  Socket& socket() override { return stream_.next_layer(); }
  int plain_socket() override { return -1; }

 private:
  const TlsContext tls_;  // shared with other connections of a server; null for a client
  asio::ssl::stream<Socket> stream_;
  const asio::ssl::stream_base::handshake_type role_ = asio::ssl::stream_base::server;
};

}  // namespace

asio::awaitable<void> Transport::Discard() {
  std::array<char, 4096> bytes;
  for (ErrorCode error; !error;) {
    // Not by Asio, which may have seen the end already and would wait for another.
    const ssize_t got = ::recv(socket().native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) co_return;
    std::tie(error, std::ignore) = co_await socket().async_read_some(asio::buffer(bytes), kAwait);
  }
}

std::unique_ptr<Transport> MakeTransport(Transport::Socket socket, const TlsContext& tls) {
  if (tls == nullptr) return std::make_unique<PlainTransport>(std::move(socket));
  return std::make_unique<TlsTransport>(std::move(socket), tls);
}

std::unique_ptr<Transport> MakeClientTransport(Transport::Socket socket, asio::ssl::context* tls,
                                               const std::string& host) {
  if (tls == nullptr) return std::make_unique<PlainTransport>(std::move(socket));
  return std::make_unique<TlsTransport>(std::move(socket), *tls, host);
}

}  // namespace engine
