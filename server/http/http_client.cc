#include "server/http/http_client.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/connect.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "server/http/endpoint_name.h"
#include "server/http/response_reader.h"
#include "server/http/transport.h"

namespace engine {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;
using Socket = Transport::Socket;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = size_t{16} << 10;

class AsioClient : public HttpClient {
 public:
  AsioClient(HttpAddress server, bool verify_certificate) : server_(std::move(server)) {
    while (server_.path.ends_with('/')) server_.path.pop_back();
    if (!server_.unix_socket.empty()) endpoints_ = {Local::endpoint(server_.unix_socket)};
    if (!server_.is_tls) return;
    tls_.emplace(asio::ssl::context::tls_client);
    ErrorCode ignored;
    tls_->set_default_verify_paths(ignored);
    tls_->set_verify_mode(verify_certificate ? asio::ssl::verify_peer : asio::ssl::verify_none);
  }

  void Send(HttpCall call) override { asio::co_spawn(io_, Perform(std::move(call)), asio::detached); }

  void At(TimePoint when, std::function<void()> action) override {
    auto timer = std::make_shared<asio::steady_timer>(io_, when);  // lives as long as its wait
    timer->async_wait([timer, action = std::move(action)](ErrorCode) { action(); });
  }

  void Run() override {
    io_.restart();
    io_.run();
  }

  void RunFor(std::chrono::milliseconds timeout) override {
    io_.restart();
    io_.run_for(timeout);
  }

 private:
  asio::awaitable<void> Perform(HttpCall call) {
    const std::string bytes = BytesOf(call);
    while (true) {
      std::unique_ptr<Transport> connection;
      if (!idle_.empty()) {
        connection = std::move(idle_.back());
        idle_.pop_back();
      }
      const bool is_reused = connection != nullptr;
      ResponseReader reader;
      absl::Status ended = is_reused ? absl::OkStatus() : co_await Connect(connection);
      if (ended.ok()) ended = co_await Exchange(*connection, bytes, call, reader);
      // The server may have closed a connection that waited: only a new one tells whether it answers.
      if (!ended.ok() && is_reused && !reader.has_begun()) continue;
      if (ended.ok() && reader.keep_alive()) idle_.push_back(std::move(connection));
      co_return call.on_end(reader.status(), std::move(ended));
    }
  }

  std::string BytesOf(const HttpCall& call) const {
    const std::string host = server_.unix_socket.empty() ? HostAndPort(server_.host, server_.port) : "localhost";
    std::string bytes = absl::StrCat(call.method, " ", server_.path, call.path, " HTTP/1.1\r\nhost: ", host, "\r\n");
    for (const auto& [name, value] : call.headers) absl::StrAppend(&bytes, name, ": ", value, "\r\n");
    if (call.method != "GET") absl::StrAppend(&bytes, "content-length: ", call.body.size(), "\r\n");
    return absl::StrCat(bytes, "\r\n", call.body);
  }

  asio::awaitable<absl::Status> Connect(std::unique_ptr<Transport>& connection) {
    if (endpoints_.empty()) {
      Tcp::resolver resolver(io_);
      const auto [error, found] = co_await resolver.async_resolve(server_.host, server_.port, kAwait);
      if (error) co_return absl::UnavailableError("cannot find the host: " + error.message());
      endpoints_.clear();  // of calls that looked meanwhile
      for (const auto& entry : found) endpoints_.emplace_back(entry.endpoint());
    }
    Socket socket(io_);
    const auto [error, endpoint] = co_await asio::async_connect(socket, std::vector(endpoints_), kAwait);
    if (error) co_return absl::UnavailableError("cannot connect: " + error.message());
    ErrorCode ignored;
    if (server_.unix_socket.empty()) socket.set_option(Tcp::no_delay(true), ignored);
    connection = MakeClientTransport(std::move(socket), tls_ ? &*tls_ : nullptr, server_.host);
    if (const ErrorCode refused = co_await connection->Handshake()) {
      co_return absl::UnavailableError("no TLS connection: " + refused.message());
    }
    co_return absl::OkStatus();
  }

  asio::awaitable<absl::Status> Exchange(Transport& connection, const std::string& bytes, const HttpCall& call,
                                         ResponseReader& reader) {
    if (const ErrorCode error = co_await connection.Write(bytes)) {
      co_return absl::UnavailableError("cannot send the request: " + error.message());
    }
    std::array<char, kReadBytes> buffer;
    while (!reader.is_done()) {
      const Transport::ReadResult read = co_await connection.Read(buffer);
      if (read.error) co_return reader.TakeEnd();
      const absl::StatusOr<std::string> piece = reader.Take({buffer.data(), read.bytes});
      if (!piece.ok()) co_return piece.status();
      if (!piece->empty() && call.on_piece) call.on_piece(reader.status(), *piece);
    }
    co_return absl::OkStatus();
  }

  HttpAddress server_;
  asio::io_context io_{1};
  std::optional<asio::ssl::context> tls_;
  std::vector<asio::generic::stream_protocol::endpoint> endpoints_;
  std::vector<std::unique_ptr<Transport>> idle_;
};

}  // namespace

absl::StatusOr<HttpAddress> ParseHttpUrl(std::string_view url) {
  absl::Status bad =
      InvalidArgument("is '%s'; it must be http://HOST:PORT/PATH, https://HOST:PORT/PATH or unix:/FILE", url);
  const auto take = [&url](std::string_view prefix) {
    if (!url.starts_with(prefix)) return false;
    url.remove_prefix(prefix.size());
    return true;
  };
  HttpAddress address;
  if (take("unix:")) {
    if (url.empty()) return bad;
    RETURN_IF_ERROR(CheckSocketPath(url));
    address.unix_socket = url;
    return address;
  }
  address.is_tls = take("https://");
  if (!address.is_tls && !take("http://")) return bad;
  address.port = address.is_tls ? "443" : "80";
  const size_t slash = url.find('/');
  if (slash != std::string_view::npos) address.path = url.substr(slash);
  std::string_view host = url.substr(0, slash);
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    address.port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);  // IPv6
  address.host = host;
  const bool is_number = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || !is_number) return bad;
  return address;
}

std::unique_ptr<HttpClient> HttpClient::Create(HttpAddress server, bool verify_certificate) {
  return std::make_unique<AsioClient>(std::move(server), verify_certificate);
}

}  // namespace engine
