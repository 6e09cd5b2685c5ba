// Spans of answered requests for an OpenTelemetry collector: OTLP over HTTP, as JSON.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/http/http_server.h"
#include "server/http/json_poster.h"
#include "server/log.h"

namespace engine {

// Sends on a thread of its own. What the collector does not take, or not fast enough, is dropped and counted: telling of a
// request never holds up another.
class TraceExporter {
 public:
  // url: of the collector; without a path /v1/traces is meant. version: of this program. `log` outlives it.
  static absl::StatusOr<std::unique_ptr<TraceExporter>> Start(const std::string& url, std::string version, Log& log);
  ~TraceExporter();  // sends what is left, if the collector takes it at once

  // Nothing where the request's trace is not recorded. Any thread.
  void Add(const AccessRecord& record);

  struct Counts {
    int64_t exported = 0;
    int64_t dropped = 0;
  };
  Counts counts() const;

 private:
  struct Span {
    TraceContext trace;
    std::string request_id;
    std::string method;
    std::string path;
    std::string route;  // empty: none has the path
    int status = 0;
    int64_t end_ns = 0;  // since 1970
    int64_t nanoseconds = 0;
  };

  TraceExporter(HttpAddress collector, std::string version, Log& log);

  void Loop();
  void Send(const std::vector<Span>& spans, std::chrono::milliseconds timeout);
  static std::string NameOf(const Span& span);
  std::string Body(const std::vector<Span>& spans) const;

  JsonPoster collector_;  // its thread's
  const std::string version_;
  Log& log_;
  bool is_failing_ = false;  // the last batch was not taken
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Span> waiting_;  // guarded by mutex_
  Counts counts_;              // guarded by mutex_
  bool stop_ = false;          // guarded by mutex_
  std::jthread thread_;        // last: everything above outlives it
};

}  // namespace engine
