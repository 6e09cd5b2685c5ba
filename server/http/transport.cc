#include "server/http/transport.h"

#include <utility>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/ssl/context.hpp"
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
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<ErrorCode> Handshake() override { co_return ErrorCode(); }
  asio::awaitable<ReadResult> Read(std::span<char> to) override { return ReadFrom(socket_, to); }
  asio::awaitable<ErrorCode> Write(std::string_view bytes) override { return WriteTo(socket_, bytes); }
  Socket& socket() override { return socket_; }

 private:
  Socket socket_;
};

class TlsTransport : public Transport {
 public:
  TlsTransport(Socket socket, asio::ssl::context& tls) : stream_(std::move(socket), tls) {}

  asio::awaitable<ErrorCode> Handshake() override {
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
    co_return error;
  }
  asio::awaitable<ReadResult> Read(std::span<char> to) override { return ReadFrom(stream_, to); }
  asio::awaitable<ErrorCode> Write(std::string_view bytes) override { return WriteTo(stream_, bytes); }
  Socket& socket() override { return stream_.next_layer(); }

 private:
  asio::ssl::stream<Socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> MakeTransport(Transport::Socket socket, asio::ssl::context* tls) {
  if (tls == nullptr) return std::make_unique<PlainTransport>(std::move(socket));
  return std::make_unique<TlsTransport>(std::move(socket), *tls);
}

}  // namespace engine
