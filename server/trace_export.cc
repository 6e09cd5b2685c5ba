#include "server/trace_export.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "core/base/json.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

// Of requests that end while a batch is on its way. With its path and ids a span takes three kilobytes at most.
constexpr size_t kMostWaiting = 4096;
constexpr milliseconds kBatchInterval{2000};
constexpr milliseconds kTimeout{5000};
constexpr milliseconds kLastTimeout{1000};

Json Attribute(const char* key, const std::string& value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<TraceExporter>> TraceExporter::Start(const std::string& url, std::string version,
                                                                    Log& log) {
  ASSIGN_OR_RETURN(HttpAddress collector, ParseHttpUrl(url));
  if (collector.path.empty() || collector.path == "/") collector.path = "/v1/traces";
  return std::unique_ptr<TraceExporter>(new TraceExporter(std::move(collector), std::move(version), log));
}

TraceExporter::TraceExporter(HttpAddress collector, std::string version, Log& log)
    : collector_(std::move(collector)), version_(std::move(version)), log_(log) {
  thread_ = std::jthread([this] { Loop(); });
}

TraceExporter::~TraceExporter() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
}

void TraceExporter::Add(const AccessRecord& record) {
  const HttpRequest& request = *record.request;
  if (!request.trace || !request.trace->is_sampled) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Span span{.trace = *request.trace,
            .request_id = request.id,
            .method = std::string(record.method()),
            .path = std::string(record.path()),
            .route = request.route,
            .status = record.status,
            .end_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(),
            .nanoseconds = static_cast<int64_t>(record.seconds * 1e9)};
  std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMostWaiting) {
    ++counts_.dropped;
  } else {
    waiting_.push_back(std::move(span));
  }
}

TraceExporter::Counts TraceExporter::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void TraceExporter::Loop() {
  for (bool stop = false; !stop;) {
    std::vector<Span> spans;
    {
      std::unique_lock lock(mutex_);
      stop = wake_.wait_for(lock, kBatchInterval, [this] { return stop_; });
      std::swap(spans, waiting_);
    }
    if (!spans.empty()) Send(spans, stop ? kLastTimeout : kTimeout);
  }
}

void TraceExporter::Send(const std::vector<Span>& spans, milliseconds timeout) {
  const absl::StatusOr<int> status = collector_.Post(Body(spans), timeout);
  const bool is_taken = status.ok() && *status / 100 == 2;
  if (!is_taken && !is_failing_) {
    log_.Warn("traces are not taken: " + (status.ok() ? absl::StrFormat("the collector answers %d", *status)
                                                      : std::string(Message(status.status()))));
  }
  if (is_taken && is_failing_) log_.Info("traces are taken again");
  is_failing_ = !is_taken;
  std::lock_guard lock(mutex_);
  (is_taken ? counts_.exported : counts_.dropped) += std::ssize(spans);
}

// There must be few, so neither paths nor methods that clients make up are among them.
std::string TraceExporter::NameOf(const Span& span) {
  return span.route.empty() || span.status == 405 ? "HTTP" : span.method + " " + span.route;
}

// The collector takes attributes by OpenTelemetry's conventions for HTTP servers.
std::string TraceExporter::Body(const std::vector<Span>& spans) const {
  constexpr int kServer = 2, kError = 2;
  Json list = Json::array();
  for (const Span& span : spans) {
    Json status = {{"key", "http.response.status_code"}, {"value", {{"intValue", absl::StrFormat("%d", span.status)}}}};
    list.push_back({{"traceId", span.trace.trace_id},
                    {"spanId", span.trace.span_id},
                    {"parentSpanId", span.trace.parent_id},
                    {"traceState", span.trace.state},
                    {"name", NameOf(span)},
                    {"kind", kServer},
                    {"startTimeUnixNano", absl::StrFormat("%d", span.end_ns - span.nanoseconds)},
                    {"endTimeUnixNano", absl::StrFormat("%d", span.end_ns)},
                    {"attributes",
                     {Attribute("http.request.method", span.method), Attribute("url.path", span.path),
                      Attribute("http.request.header.x-request-id", span.request_id), std::move(status)}},
                    {"status", span.status >= 500 ? Json{{"code", kError}} : Json::object()}});
  }
  const Json body = {
      {"resourceSpans",
       {{{"resource", {{"attributes", {Attribute("service.name", "engine"), Attribute("service.version", version_)}}}},
         {"scopeSpans", {{{"scope", {{"name", "engine"}}}, {"spans", std::move(list)}}}}}}}};
  return JsonText(body);
}

}  // namespace engine
