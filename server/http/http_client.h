// HTTP/1.1 requests to one server, many at once, on one thread. Knows nothing of what they are about.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "server/http/handler.h"

namespace engine {

struct HttpAddress {
  bool is_tls = false;
  std::string unix_socket;  // a file; instead of host and port
  std::string host;
  std::string port;
  std::string path;  // "/v1/traces"; empty: the URL had none
};

// "http://HOST:PORT/PATH", "https://HOST:PORT/PATH", "unix:/FILE".
absl::StatusOr<HttpAddress> ParseHttpUrl(std::string_view url);

struct HttpCall {
  std::string method = "GET";
  std::string path = "/";
  HttpHeaders headers = {};  // beside host and content-length
  std::string body = {};
  // A piece of the answer's body, as it comes.
  std::function<void(int status, std::string_view piece)> on_piece;
  // Once, at the end. An error: no whole answer has come; the status is 0 where it had not begun.
  std::function<void(int status, absl::Status ended)> on_end;
};

class HttpClient {
 public:
  // The address's path is put before each call's. verify_certificate: TLS, against what the machine trusts.
  static std::unique_ptr<HttpClient> Create(HttpAddress server, bool verify_certificate = true);
  virtual ~HttpClient() = default;

  // Before Run, or from a callback. Connections are kept for further calls where the server agrees.
  virtual void Send(HttpCall call) = 0;
  virtual void At(TimePoint when, std::function<void()> action) = 0;
  // Returns when every call has ended and every action has run. All callbacks are made within.
  virtual void Run() = 0;
  // Run, for so long at most; what has not ended by then does so when the client goes, without a callback.
  virtual void RunFor(std::chrono::milliseconds timeout) = 0;
};

}  // namespace engine
