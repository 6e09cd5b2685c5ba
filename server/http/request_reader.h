// From bytes of a connection to requests: HTTP/1.1 and 1.0, within limits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/handler.h"

namespace engine {

struct RequestLimits {
  int64_t max_header_bytes = int64_t{64} << 10;
  int64_t max_body_bytes = int64_t{32} << 20;
};

// Reads one request at a time. Any split of the bytes gives the same requests.
class RequestReader {
 public:
  explicit RequestReader(RequestLimits limits);
  ~RequestReader();

  // Takes what it can of `bytes` and returns how much. The rest belongs to the next request, or comes again with more
  // behind it. Once is_done() or error_status() says so, nothing is taken until Next.
  size_t Take(std::string_view bytes);

  bool is_done() const { return done_; }
  // What the client should be told, and why: 400 malformed, 413 and 431 too large, 501 a coding of the body that is not
  // known. 0: no error.
  int error_status() const { return error_status_; }
  const std::string& error() const { return error_; }
  // Whether the request line and headers have come, so that there is a Head.
  bool has_head() const { return has_head_; }
  int64_t body_bytes() const;  // so far
  // Whether some of a request has come.
  bool has_begun() const { return has_begun_; }
  // Whether the client waits for "100 Continue" before it sends the body; true once.
  bool WantsContinue();

  // The request without its body, once it has a head. id and client are left for the connection to set.
  HttpRequest Head() const;
  std::string TakeBody();
  bool keep_alive() const;  // whether the client would go on with this connection
  bool is_http_1_0() const;

  void Next();

 private:
  struct Parser;

  void Fail(int status, std::string message);
  void FailBody();
  size_t SkipEmptyLines(std::string_view bytes);
  void ReadHead();

  RequestLimits limits_;
  std::unique_ptr<Parser> parser_;
  HttpHeaders headers_;  // without the trailers of a body in chunks, which the parser adds to them
  bool has_head_ = false;
  size_t head_bytes_ = 0;
  bool done_ = false;
  bool has_begun_ = false;
  bool continue_was_asked_ = false;
  int error_status_ = 0;
  std::string error_;
};

// "/v1/models%20x" as text; empty if it is malformed or has a NUL.
std::string DecodePath(std::string_view path);

}  // namespace engine
