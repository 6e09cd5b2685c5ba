// What a route is: a request comes in whole, its answer goes out whole or in pieces, from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/error_body.h"
#include "server/http/trace_context.h"

namespace engine {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

class WriteBatch;

struct HttpRequest {
  std::string method;  // as sent: "POST"
  std::string path;    // decoded, without the query: "/v1/models"
  std::string query;   // as sent, without the question mark
  std::string route;   // the pattern of the route that has the path, set by the router: "/v1/models/*"; empty: none has
  HttpHeaders headers;
  std::string body;
  std::string id;                              // the client's X-Request-Id, or one made here; the answer carries it
  int api_key = -1;                            // which of the server's keys it came with; -1: none are asked for
  std::string client;                          // address, for logs
  std::shared_ptr<void> body_share = nullptr;  // keeps the body counted as memory in use
  std::optional<TraceContext> trace = std::nullopt;  // that it belongs to, with the span of its answer

  // The first header of that name in any case; empty if there is none.
  std::string_view Header(std::string_view name) const;
};

// The answer to one request. Any thread may call it, also after the client has gone, which makes every call but
// is_open() without effect. No call blocks: what a client has not read yet is queued up to a limit, behind which the
// client counts as gone. An answer that is dropped before it has ended becomes an error 500, or a cut connection.
class Responder {
 public:
  virtual ~Responder() = default;

  // The whole answer.
  virtual void Send(int status, std::string_view content_type, std::string body, HttpHeaders headers = {}) = 0;

  // An answer in pieces: Begin, Write…, End. Its length is not known beforehand.
  virtual void Begin(int status, std::string_view content_type, HttpHeaders headers = {}) = 0;
  virtual void Write(std::string piece) = 0;
  // As Write, for a piece that may wait for those of other answers: it goes out when the caller sends the batch.
  virtual void WriteLater(std::string piece, WriteBatch&) { Write(std::move(piece)); }
  virtual void End() = 0;

  // Calls `on_gone` once if the client goes before the end, soon after; at once if it has. On an HTTP thread.
  virtual void OnGone(std::function<void()> on_gone) = 0;
  virtual bool is_open() const = 0;
};

// Called on an HTTP thread, where it must not block. Keeps the request until it has read it, as its body counts as memory
// in use, and the responder as long as it needs it.
using HttpHandler = std::function<void(std::shared_ptr<const HttpRequest>, std::shared_ptr<Responder>)>;

struct Route {
  std::string method;
  std::string path;  // "/v1/models"; with "/*" at the end, everything below
  HttpHandler handler;
  bool is_open = false;                 // asks for no API key
  ErrorWriter write_error = ErrorBody;  // of errors before the handler has the request
};

}  // namespace engine
