#include "server/http/http_client.h"

#include <exception>
#include <optional>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http/read.hpp"
#include "boost/beast/http/string_body.hpp"
#include "boost/beast/http/write.hpp"

namespace engine {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

absl::Status Failed(const char* what, const HttpAddress& to, const boost::system::error_code& error) {
  return absl::UnavailableError(absl::StrFormat("cannot %s %s:%s: %s", what, to.host, to.port, error.message()));
}

asio::awaitable<absl::StatusOr<int>> Post(const HttpAddress& to, const std::string& body) {
  const auto executor = co_await asio::this_coro::executor;
  Tcp::resolver resolver(executor);
  const auto [unresolved, found] = co_await resolver.async_resolve(to.host, to.port, kAwait);
  if (unresolved) co_return Failed("find", to, unresolved);
  Tcp::socket socket(executor);
  const auto [unconnected, endpoint] = co_await asio::async_connect(socket, found, kAwait);
  if (unconnected) co_return Failed("connect to", to, unconnected);

  http::request<http::string_body> request(http::verb::post, to.path, 11, body);
  request.set(http::field::host, to.host);
  request.set(http::field::content_type, "application/json");
  request.keep_alive(false);
  request.prepare_payload();
  const auto [unwritten, written] = co_await http::async_write(socket, request, kAwait);
  if (unwritten) co_return Failed("write to", to, unwritten);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  const auto [unread, read] = co_await http::async_read(socket, buffer, response, kAwait);
  if (unread) co_return Failed("read the answer of", to, unread);
  co_return static_cast<int>(response.result_int());
}

}  // namespace

absl::StatusOr<HttpAddress> ParseHttpUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  absl::Status bad = InvalidArgument("is '%s'; it must be http://HOST:PORT/PATH", url);
  if (!url.starts_with(kScheme)) return bad;
  url.remove_prefix(kScheme.size());
  HttpAddress address;
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

absl::StatusOr<int> PostJson(const HttpAddress& to, const std::string& body, std::chrono::milliseconds timeout) {
  std::optional<absl::StatusOr<int>> result;
  asio::io_context io;
  asio::co_spawn(io, Post(to, body), [&](const std::exception_ptr& thrown, absl::StatusOr<int> status) {
    result = thrown ? absl::InternalError("the HTTP client failed") : std::move(status);
  });
  io.run_for(timeout);
  if (result) return *std::move(result);
  return absl::DeadlineExceededError(
      absl::StrFormat("%s:%s did not answer within %d ms", to.host, to.port, timeout.count()));
}

}  // namespace engine
