// HTTP/1.1 over TCP or a Unix socket, plain or under TLS. Knows requests and answers, not what they are about.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "server/http/request_reader.h"
#include "server/http/router.h"

namespace engine {

// One request that has been answered, or whose client has gone.
struct AccessRecord {
  const HttpRequest* request = nullptr;  // during the call; headers and body may have gone
  int status = 0;                        // 499: the client went before the end
  int64_t body_bytes = 0;                // of the answer
  double seconds = 0;

  static constexpr size_t kMostKept = 1024;  // bytes of these, as anybody may send the longest
  std::string_view method() const { return std::string_view(request->method).substr(0, kMostKept); }
  std::string_view path() const { return std::string_view(request->path).substr(0, kMostKept); }
};

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 8000;              // 0: any free one
  std::string unix_socket;      // a path; instead of host and port
  std::string tls_certificate;  // PEM file with the chain; with tls_key: TLS
  std::string tls_key;
  RequestLimits limits;
  int max_connections = 4096;                     // more are closed as they come
  int64_t max_bodies_bytes = int64_t{256} << 20;  // of all large bodies at once; no less than one may have
  int threads = 1;
  bool begin_traces = false;                           // of requests that belong to none
  int64_t max_queued_bytes = int64_t{8} << 20;         // of an answer that its client does not read
  std::chrono::milliseconds request_timeout{30'000};   // from a request's first byte to its last
  std::chrono::milliseconds idle_timeout{120'000};     // between requests
  std::chrono::milliseconds write_timeout{60'000};     // for what is ready to be written
  std::function<void(const AccessRecord&)> on_access;  // on an HTTP thread; may be null
};

struct HttpServerStats {
  int connections = 0;          // open
  int answers = 0;              // under way
  int64_t refused = 0;          // connections closed at once, beyond max_connections
  int64_t certificate_end = 0;  // of TLS, in seconds since 1970; 0: plain
};

class HttpServer {
 public:
  // Listens when it returns. The router's handlers may be called from then on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options, Router router);
  virtual ~HttpServer() = default;  // Stop; responders must have gone

  // "http://127.0.0.1:8000", "unix:/run/engine.sock".
  virtual std::string address() const = 0;
  virtual int port() const = 0;  // 0 for a Unix socket
  virtual HttpServerStats stats() const = 0;

  // Reads the certificate and its key again, for connections from now on. If they cannot be used, those that it has stay.
  // Any thread; only under TLS.
  virtual absl::Status ReloadTls() = 0;

  // Takes no new connections, closes idle ones, and every other one behind the answer that is under way.
  virtual void BeginDrain() = 0;
  // Whether within that time no answer is under way any more, nor a request that has begun.
  virtual bool WaitUntilIdle(std::chrono::milliseconds timeout) = 0;
  // Cuts what is still open, and ends the threads.
  virtual void Stop() = 0;
};

}  // namespace engine
