#include "server/log.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/thread_name.h"

namespace engine {
namespace {

// Some seconds of access lines under load.
constexpr size_t kMaxLines = 8192;

// A pipe that has room takes so many bytes without waiting (PIPE_BUF).
constexpr size_t kPieceBytes = 4096;
constexpr int kPollMs = 50;
constexpr double kLastSeconds = 1;

std::string TimeNow() { return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()); }

// Control characters in a path could forge lines.
std::string Safe(std::string_view text) { return absl::CHexEscape({text.data(), text.size()}); }

}  // namespace

Log::Log(Format format, int to) : format_(format), to_(to) {
  thread_ = std::jthread([this] {
    NameThread("log");
    Loop();
  });
}

Log::~Log() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
}

std::string Log::Line(std::string_view level, std::string_view message) const {
  if (format_ == Format::kJson) return JsonText({{"time", TimeNow()}, {"level", level}, {"message", message}}) + "\n";
  return absl::StrFormat("%s %s%s\n", TimeNow(), level == "info" ? "" : "WARNING ", message);
}

void Log::Access(const AccessRecord& record) {
  const HttpRequest& request = *record.request;
  if (format_ == Format::kJson) {
    nlohmann::ordered_json json = {
        {"time", TimeNow()},          {"level", "access"},         {"client", request.client},
        {"method", record.method()},  {"path", record.path()},     {"status", record.status},
        {"bytes", record.body_bytes}, {"seconds", record.seconds}, {"request_id", request.id}};
    if (request.api_key >= 0) json["api_key"] = request.api_key;
    if (request.trace) {
      json["trace_id"] = request.trace->trace_id;
      json["span_id"] = request.trace->span_id;
    }
    return Push(JsonText(json) + "\n");
  }
  const std::string key = request.api_key < 0 ? "" : absl::StrFormat(" key=%d", request.api_key);
  const std::string trace =
      request.trace ? absl::StrFormat(" trace_id=%s span_id=%s", request.trace->trace_id, request.trace->span_id) : "";
  Push(absl::StrFormat("%s %s \"%s %s\" %d %d bytes %.3f s id=%s%s%s\n", TimeNow(), request.client,
                       Safe(record.method()), Safe(record.path()), record.status, record.body_bytes, record.seconds,
                       request.id, key, trace));
}

void Log::Request(const HttpRequest& request, int64_t max_bytes) {
  const std::string_view body = std::string_view(request.body).substr(0, max_bytes);
  if (format_ == Format::kJson) {
    return Push(JsonText({{"time", TimeNow()},
                          {"level", "request"},
                          {"path", request.path},
                          {"request_id", request.id},
                          {"bytes", request.body.size()},
                          {"body", body}}) +
                "\n");
  }
  Push(absl::StrFormat("%s request id=%s %s %d bytes: %s\n", TimeNow(), request.id, Safe(request.path),
                       request.body.size(), Safe(body)));
}

void Log::Push(std::string line) {
  {
    std::lock_guard lock(mutex_);
    if (lines_.size() >= kMaxLines) {
      ++dropped_;
      return;
    }
    lines_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void Log::Loop() {
  std::deque<std::string> lines;
  int64_t dropped = 0;
  for (bool stop = false; !stop;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !lines_.empty(); });
      std::swap(lines, lines_);
      dropped = std::exchange(dropped_, 0);
      stop = stop_;
    }
    if (dropped > 0) {
      lines.push_back(Line("warning", absl::StrFormat("%d lines were dropped: nobody read them fast enough", dropped)));
    }
    for (const std::string& line : lines) {
      if (!Write(line)) return;
    }
    lines.clear();
  }
}

// False: the end has come, and nobody reads.
bool Log::Write(std::string_view line) {
  while (!line.empty()) {
    if (!WaitForRoom()) return false;
    const ssize_t written = ::write(to_, line.data(), std::min(line.size(), kPieceBytes));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) break;  // a full disk, or nobody there: the line is lost
    line.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool Log::WaitForRoom() {
  const TimePoint start = Now();
  while (true) {
    pollfd room{.fd = to_, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&room, 1, kPollMs);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // for an error too, of which the write tells
    std::lock_guard lock(mutex_);
    if (stop_ && SecondsSince(start) > kLastSeconds) return false;
  }
}

}  // namespace engine
