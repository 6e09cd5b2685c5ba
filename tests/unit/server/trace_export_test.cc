// The exporter over a collector that is a server of ours.
#include "server/trace_export.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::json;

class Collector {
 public:
  explicit Collector(int status = 200) {
    const auto take = [this, status](const std::shared_ptr<const HttpRequest>& request,
                                     const std::shared_ptr<Responder>& responder) {
      {
        std::lock_guard lock(mutex_);
        bodies_.push_back(request->body);
      }
      responder->Send(status, "application/json", "{}");
    };
    auto server = HttpServer::Start({.port = 0}, {{{"POST", "/v1/traces", take}}, ApiKeys::Create({}).value(), {}});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string address() const { return server_->address(); }
  std::vector<Json> spans() {
    std::lock_guard lock(mutex_);
    std::vector<Json> spans;
    for (const std::string& body : bodies_) {
      const Json parsed = Json::parse(body);
      for (const Json& span : parsed["resourceSpans"][0]["scopeSpans"][0]["spans"]) spans.push_back(span);
    }
    return spans;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> bodies_;
  std::unique_ptr<HttpServer> server_;
};

struct Exporter {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> nobody{std::fopen("/dev/null", "w"), std::fclose};
  Log log{Log::Format::kPlain, fileno(nobody.get())};
  std::unique_ptr<TraceExporter> exporter;

  explicit Exporter(const std::string& url) {
    auto started = TraceExporter::Start(url, "1", log);
    EXPECT_TRUE(started.ok()) << started.status();
    exporter = *std::move(started);
  }
  void Add(const TraceContext& trace, int status = 200) const {
    Add({.method = "POST", .path = "/v1/completions", .route = "/v1/completions", .id = "req_1", .trace = trace},
        status);
  }
  void Add(const HttpRequest& request, int status) const {
    exporter->Add({.request = &request, .status = status, .seconds = 0.5});
  }
};

TEST(TraceExport, TheCollectorGetsASpanPerRequest) {
  Collector collector;
  {
    const Exporter exporter(collector.address());
    exporter.Add({.trace_id = "aa", .parent_id = "bb", .span_id = "cc"});
    exporter.Add({.trace_id = "dd", .span_id = "ee"}, 503);
    exporter.Add({.trace_id = "ff", .span_id = "ff", .is_sampled = false});
  }
  const std::vector<Json> spans = collector.spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0]["traceId"], "aa");
  EXPECT_EQ(spans[0]["parentSpanId"], "bb");
  EXPECT_EQ(spans[0]["spanId"], "cc");
  EXPECT_EQ(spans[0]["name"], "POST /v1/completions");
  EXPECT_EQ(spans[0]["kind"], 2);
  EXPECT_EQ(spans[0]["attributes"][3]["value"]["intValue"], "200");
  EXPECT_EQ(std::stoll(spans[0]["endTimeUnixNano"].get<std::string>()) -
                std::stoll(spans[0]["startTimeUnixNano"].get<std::string>()),
            500'000'000);
  EXPECT_EQ(spans[1]["status"]["code"], 2);
}

TEST(TraceExport, NamesOfSpansAreNoneThatClientsMakeUp) {
  Collector collector;
  {
    const Exporter exporter(collector.address());
    const TraceContext trace{.trace_id = "aa", .span_id = "cc"};
    exporter.Add({.method = "GET", .path = "/v1/models/x", .route = "/v1/models/*", .trace = trace}, 401);
    exporter.Add({.method = "BREW", .path = "/v1/models", .route = "/v1/models", .trace = trace}, 405);
    exporter.Add({.method = "BREW", .path = "/coffee", .trace = trace}, 404);
    exporter.Add({.trace = trace}, 400);
  }
  std::vector<std::string> names;
  for (const Json& span : collector.spans()) names.push_back(span["name"]);
  EXPECT_EQ(names, (std::vector<std::string>{"GET /v1/models/*", "HTTP", "HTTP", "HTTP"}));
}

TEST(TraceExport, MoreThanTheQueueHoldsIsDroppedAndCounted) {
  Collector collector;
  {
    const Exporter exporter(collector.address());
    for (int i = 0; i < 5000; ++i) exporter.Add({.trace_id = "aa", .span_id = "cc"});
    EXPECT_EQ(exporter.exporter->counts().dropped, 5000 - 4096);
  }
  EXPECT_EQ(collector.spans().size(), 4096u);
}

TEST(TraceExport, WhatTheCollectorRefusesHoldsNothingUp) {
  Collector refusing(500);
  {
    Exporter(refusing.address()).Add({.trace_id = "aa", .span_id = "cc"});
  }
  EXPECT_EQ(refusing.spans().size(), 1u);
  Exporter("http://127.0.0.1:1").Add({.trace_id = "aa", .span_id = "cc"});  // nobody listens there
}

// Anybody may send one, and spans wait for a collector that may be away.
TEST(TraceExport, OfALongPathTheBeginIsKept) {
  Collector collector;
  {
    const Exporter exporter(collector.address());
    exporter.Add({.method = "GET", .path = std::string(60000, '/'), .trace = TraceContext{.trace_id = "aa"}}, 404);
  }
  const std::vector<Json> spans = collector.spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0]["attributes"][1]["value"]["stringValue"], std::string(AccessRecord::kMostKept, '/'));
}

}  // namespace
}  // namespace engine
