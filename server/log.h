// Lines for operators, on stderr: plain, or one JSON object each.
#pragma once

#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "server/http/http_server.h"

namespace engine {

// Writes on a thread of its own: whoever logs never waits for who reads. Where the reader is too slow lines are dropped,
// and their number is logged; where it is gone all are, in a process that ignores SIGPIPE.
class Log {
 public:
  enum class Format { kPlain, kJson };

  explicit Log(Format format, int to = STDERR_FILENO);  // a file, which stays the caller's
  ~Log();  // writes what is queued, and waits a second for who does not read it
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Info(std::string_view message) { Push(Line("info", message)); }
  void Warn(std::string_view message) { Push(Line("warning", message)); }

  // Never anything of the request's body or query.
  void Access(const AccessRecord& record);

  // What a request asks for: the first bytes of its body, for operators who want to see prompts.
  void Request(const HttpRequest& request, int64_t max_bytes);

 private:
  std::string Line(std::string_view level, std::string_view message) const;
  void Push(std::string line);
  void Loop();
  bool WaitForRoom();
  bool Write(std::string_view line);

  const Format format_;
  const int to_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> lines_;  // guarded by mutex_
  int64_t dropped_ = 0;            // guarded by mutex_
  bool stop_ = false;              // guarded by mutex_
  std::jthread thread_;            // last: everything above outlives it
};

}  // namespace engine
