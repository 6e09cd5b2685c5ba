// The client against our server, over real sockets.
#include "server/http/http_client.h"

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <cstring>
#include <semaphore>
#include <thread>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http/endpoint_name.h"
#include "server/http/http_server.h"
#include "server/http/json_poster.h"
#include "tests/support/temp_dir.h"

namespace {

std::counting_semaphore<> slow_look_ups_that_may_end(0);
std::atomic<int> num_slow_look_ups = 0;

}  // namespace

// Looking up this host takes until the test says so.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  if (host != nullptr && std::strcmp(host, "slow.invalid") == 0) {
    ++num_slow_look_ups;
    slow_look_ups_that_may_end.acquire();
    return EAI_AGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(host, service, hints, found);
}

namespace engine {
namespace {

using ::testing::HasSubstr;

// POST /echo answers with the body, in pieces of a byte; GET /some begins an answer and leaves its end to the test.
std::unique_ptr<HttpServer> StartServer(HttpOptions options = {}, std::shared_ptr<Responder>* begun = nullptr) {
  options.port = 0;
  const auto echo = [](const std::shared_ptr<const HttpRequest>& request, const std::shared_ptr<Responder>& responder) {
    responder->Begin(200, "text/plain");
    for (const char byte : request->body) responder->Write({byte});
    responder->End();
  };
  const auto some = [begun](const std::shared_ptr<const HttpRequest>&, const std::shared_ptr<Responder>& responder) {
    *begun = responder;
    responder->Begin(200, "text/plain");
    responder->Write("some");
  };
  auto server = HttpServer::Start(
      std::move(options),
      Router(std::vector<Route>{{"POST", "/echo", echo}, {"GET", "/some", some}, {"POST", "/some", some}},
             ApiKeys::Create({}).value(), {}));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

std::unique_ptr<HttpClient> Client(const std::string& url) {
  const absl::StatusOr<HttpAddress> address = ParseHttpUrl(url);
  EXPECT_TRUE(address.ok()) << address.status();
  return HttpClient::Create(*address);
}

struct Outcome {
  std::string body;
  int status = -1;
  absl::Status ended = absl::UnknownError("still under way");

  HttpCall Call(std::string method, std::string path, std::string sent = "") {
    return {.method = std::move(method),
            .path = std::move(path),
            .body = std::move(sent),
            .on_piece = [this](int, std::string_view piece) { body.append(piece); },
            .on_end =
                [this](int s, absl::Status e) {
                  status = s;
                  ended = std::move(e);
                }};
  }
};

TEST(HttpClient, ManyCallsAtOnceEachGetTheirAnswer) {
  const auto server = StartServer();
  const auto client = Client(server->address());
  std::vector<Outcome> outcomes(100);
  for (size_t i = 0; i < outcomes.size(); ++i) client->Send(outcomes[i].Call("POST", "/echo", std::string(i + 1, 'a')));
  client->Run();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_TRUE(outcomes[i].ended.ok()) << outcomes[i].ended;
    EXPECT_EQ(outcomes[i].status, 200);
    EXPECT_EQ(outcomes[i].body, std::string(i + 1, 'a'));
  }
  EXPECT_EQ(server->stats().connections, 100) << "connections are kept for further calls";
}

TEST(HttpClient, AConnectionServesOneCallAfterTheOther) {
  const auto server = StartServer();
  const auto client = Client(server->address());
  std::vector<Outcome> outcomes(20);
  size_t next = 0;
  std::function<void()> send = [&] {
    if (next == outcomes.size()) return;
    HttpCall call = outcomes[next].Call("POST", "/echo", "a");
    ++next;
    call.on_end = [&, end = std::move(call.on_end)](int status, absl::Status ended) {
      end(status, std::move(ended));
      // The connection is free for calls from its end on.
      client->At(Now(), send);
    };
    client->Send(std::move(call));
  };
  send();
  client->Run();
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.body, "a");
  EXPECT_EQ(server->stats().connections, 1);
}

TEST(HttpClient, AConnectionThatTheServerClosedIsReplaced) {
  const auto server = StartServer({.idle_timeout = std::chrono::milliseconds(100)});
  const auto client = Client(server->address());
  for (int i = 0; i < 3; ++i) {
    Outcome outcome;
    client->Send(outcome.Call("POST", "/echo", "a"));
    client->Run();
    EXPECT_TRUE(outcome.ended.ok()) << outcome.ended;
    while (server->stats().connections > 0) std::this_thread::yield();
  }
}

TEST(HttpClient, AnAnswerThatBreaksOffIsAnError) {
  std::shared_ptr<Responder> begun;
  const auto server = StartServer({}, &begun);
  const auto client = Client(server->address());
  Outcome outcome;
  HttpCall call = outcome.Call("GET", "/some");
  call.on_piece = [&, read = std::move(call.on_piece)](int status, std::string_view piece) {
    read(status, piece);
    begun = nullptr;  // dropped before its end
  };
  client->Send(std::move(call));
  client->Run();
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body, "some");
  EXPECT_THAT(std::string(Message(outcome.ended)), HasSubstr("within its answer"));
}

TEST(HttpClient, NobodyListeningIsAnErrorOfEachCall) {
  auto server = StartServer();
  const auto client = Client(server->address());
  server = nullptr;
  Outcome outcome;
  client->Send(outcome.Call("GET", "/echo"));
  client->Run();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(std::string(Message(outcome.ended)), HasSubstr("cannot connect"));
}

TEST(HttpClient, ReachesUnixSockets) {
  const TempDir folder;
  const auto server = StartServer({.unix_socket = folder.path() + "/s"});
  const auto client = Client(server->address());
  Outcome outcome;
  client->Send(outcome.Call("POST", "/echo", "over a file"));
  client->Run();
  EXPECT_EQ(outcome.body, "over a file");
}

TEST(HttpClient, APostThatIsNotAnsweredEndsInTime) {
  std::shared_ptr<Responder> begun;
  const auto server = StartServer({}, &begun);
  const HttpAddress echo = *ParseHttpUrl(server->address() + "/echo");
  EXPECT_EQ(JsonPoster(echo).Post("{}", std::chrono::seconds(20)).value(), 200);
  const HttpAddress some = *ParseHttpUrl(server->address() + "/some");
  EXPECT_TRUE(absl::IsDeadlineExceeded(JsonPoster(some).Post("{}", std::chrono::milliseconds(20)).status()));
  begun = nullptr;  // before its server goes
}

TEST(HttpClient, PostsEndInTimeWhileOneLooksUpTheirHost) {
  num_slow_look_ups = 0;
  JsonPoster slow(*ParseHttpUrl("http://slow.invalid"));
  for (int batch = 0; batch < 3; ++batch) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(slow.Post("{}", std::chrono::milliseconds(20)).status()));
  }
  EXPECT_EQ(num_slow_look_ups, 1);
  slow_look_ups_that_may_end.release(2);
  absl::Status last;
  while (!absl::IsUnavailable(last)) last = slow.Post("{}", std::chrono::seconds(20)).status();
  EXPECT_EQ(num_slow_look_ups, 2);
}

TEST(HttpClient, UrlsAreReadOrRefused) {
  for (const auto& [url, host, port, path] : {std::tuple{"http://a", "a", "80", ""},
                                              {"http://a:4318/", "a", "4318", "/"},
                                              {"http://a.b/v1/traces", "a.b", "80", "/v1/traces"},
                                              {"http://[::1]:4318/x", "::1", "4318", "/x"},
                                              {"https://a/x", "a", "443", "/x"},
                                              {"http://[::1]", "::1", "80", ""}}) {
    const auto address = ParseHttpUrl(url);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
    EXPECT_EQ(address->path, path);
  }
  for (const char* url : {"", "a:4318", "grpc://a", "http://", "http://:80", "http://a:x", "http://a:/"}) {
    EXPECT_THAT(std::string(Message(ParseHttpUrl(url).status())), HasSubstr("must be http://HOST:PORT/PATH")) << url;
  }
  EXPECT_THAT(std::string(Message(ParseHttpUrl("unix:/" + std::string(107, 'a')).status())), HasSubstr("at most 107"));
}

TEST(HttpClient, HostsAreNamedAsUrlsHaveThem) {
  EXPECT_EQ(HostAndPort("::1", "80"), "[::1]:80");
  EXPECT_EQ(HostAndPort("a.b", "80"), "a.b:80");
}

TEST(HttpClient, ActionsRunInTheOrderOfTheirTimes) {
  const auto client = Client("http://127.0.0.1:9");
  std::string order;
  const TimePoint start = Now();
  client->At(start + std::chrono::milliseconds(2), [&] { order += "c"; });
  client->At(start + std::chrono::milliseconds(1), [&] { order += "b"; });
  client->At(start - std::chrono::milliseconds(1), [&] { order += "a"; });
  client->Run();
  EXPECT_EQ(order, "abc");
}

}  // namespace
}  // namespace engine
