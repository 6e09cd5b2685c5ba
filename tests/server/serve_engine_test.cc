// A server over an engine with a tiny model, from its start to its end.
#include <future>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/engine/engine_builders.h"
#include "tests/unit/server/socket_client.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const ModelOnDisk& Model() {
  static const ModelOnDisk model({.weights = DType::kQ8_0});
  return model;
}

// GET /tokens streams a line per token, of as many tokens as the context holds; GET /three of three.
std::vector<Route> TokenRoutes(const Engines& engines, const Post& post) {
  Engine* engine = engines.empty() ? nullptr : engines.front().get();
  const auto stream = [=](int max_tokens) -> HttpHandler {
    return [=](std::shared_ptr<const HttpRequest>, std::shared_ptr<Responder> responder) {
      post(Weight::kLight, [=] {
        responder->Begin(200, "text/plain");
        const auto id =
            engine->Submit(Continue(RandomTokens(1, 20), max_tokens), [responder](const GenerationUpdate& update) {
              for (size_t i = 0; i < update.tokens.size(); ++i) responder->Write("token\n");
              if (update.finish != Finish::kNone) responder->End();
            });
        if (id.ok()) responder->OnGone([engine, request = *id] { engine->Cancel(request); });
      });
    };
  };
  return {{"GET", "/tokens", stream(SamplingParams::kUntilContextIsFull)}, {"GET", "/three", stream(3)}};
}

Engines OneEngine(std::unique_ptr<Engine> engine) {
  Engines engines;
  engines.push_back(std::move(engine));
  return engines;
}

struct Running {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> nobody{std::fopen("/dev/null", "w"), std::fclose};
  Log log{Log::Format::kPlain, fileno(nobody.get())};
  std::unique_ptr<Server> server;

  explicit Running(ServerOptions options = {}) {
    options.http.port = 0;
    options.model_names = {"tiny"};
    options.routes = TokenRoutes;
    auto started = Server::Start(std::move(options), log);
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }
  void Serve(const EngineOptions& options = {}) {
    const absl::Status served = server->Serve(OneEngine(OpenEngine(Model(), options)));
    EXPECT_TRUE(served.ok()) << served;
  }
  std::string Get(const std::string& path, const std::string& headers = "") {
    SocketClient client(server->port());
    client.Send("GET " + path + " HTTP/1.1\r\nhost: a\r\nconnection: close\r\n" + headers + "\r\n");
    return client.ReadToEnd();
  }
};

double Metric(const std::string& page, const std::string& name) {
  const size_t place = page.find("\n" + name + " ");
  return place == std::string::npos ? -1 : std::atof(page.c_str() + place + name.size() + 2);
}

TEST(Server, IsAliveWhileLoadingAndReadyOnceATokenIsGenerated) {
  Running running;
  EXPECT_THAT(running.Get("/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(running.Get("/readyz"), HasSubstr("the model is loading"));
  EXPECT_THAT(running.Get("/three"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(running.Get("/metrics"), HasSubstr("vllm:generation_tokens_total{engine=\"0\",model_name=\"tiny\"} 0\n"));

  running.Serve();
  EXPECT_THAT(running.Get("/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(running.Get("/metrics"), HasSubstr("vllm:generation_tokens_total{engine=\"0\",model_name=\"tiny\"} 1\n"));
  EXPECT_THAT(running.Get("/three"), HasSubstr("token\n"));
  EXPECT_THAT(running.Get("/metrics"), HasSubstr("engine_http_requests_total{handler=\"/three\",status=\"200\"} 1\n"));
}

TEST(Server, AsksForAKeyEverywhereButOnHealth) {
  Running running({.api_keys = {"secret"}});
  running.Serve();
  for (const char* path : {"/three", "/metrics", "/version"}) {
    EXPECT_THAT(running.Get(path), StartsWith("HTTP/1.1 401")) << path;
    EXPECT_THAT(running.Get(path, "authorization: Bearer secret\r\n"), StartsWith("HTTP/1.1 200")) << path;
  }
  for (const char* path : {"/livez", "/readyz", "/health"}) {
    EXPECT_THAT(running.Get(path), StartsWith("HTTP/1.1 200")) << path;
  }
}

// One after the other: most of them are still waiting when their clients go.
TEST(Server, ClientsThatGoTakeTheirRequestsWithThem) {
  Running running;
  running.Serve({.max_num_seqs = 1});
  {
    std::vector<std::unique_ptr<SocketClient>> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<SocketClient>(running.server->port()));
      clients.back()->Send("GET /tokens HTTP/1.1\r\nhost: a\r\n\r\n");
      clients.back()->ReadUntil("\r\n\r\n");
    }
  }
  std::string metrics;
  do {
    metrics = running.Get("/metrics");
  } while (Metric(metrics, "engine_requests_ended_total{finished_reason=\"abort\",model_name=\"tiny\"}") == 0 ||
           Metric(metrics, "engine_requests_waiting{model_name=\"tiny\"}") > 0 ||
           Metric(metrics, "engine_requests_running{model_name=\"tiny\"}") > 0);
  EXPECT_LT(Metric(metrics, "engine_generated_tokens_total{model_name=\"tiny\"}"), 40 * 492);
}

TEST(Server, DrainingLetsAStreamEndAndRefusesWhatIsNew) {
  Running running;
  running.Serve();
  SocketClient client(running.server->port());
  client.Send("GET /tokens HTTP/1.1\r\nhost: a\r\n\r\n");
  std::string answer = client.ReadUntil("token\n");
  EXPECT_TRUE(running.server->Drain(60));
  answer += client.ReadToEnd();
  EXPECT_THAT(answer, testing::EndsWith("\r\n0\r\n\r\n"));
  running.server->Stop();
}

TEST(Server, WhatDoesNotEndInTimeIsCut) {
  Running running;
  running.Serve();
  SocketClient client(running.server->port());
  client.Send("GET /tokens HTTP/1.1\r\nhost: a\r\n\r\n");
  client.ReadUntil("token\n");
  running.server->Drain(0);
  running.server->Stop();
  client.ReadToEnd();
}

}  // namespace
}  // namespace engine
