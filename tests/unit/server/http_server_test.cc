// A server over real sockets, and clients that behave and that do not.
#include "server/http/http_server.h"

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/server/socket_client.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::chrono::milliseconds kLong{20'000};  // what must happen, happens long before

// Handlers hand their answers to the test, which gives them when it likes.
class TestServer {
 public:
  explicit TestServer(HttpOptions options = {}) {
    options.port = 0;
    options.on_access = [this](const AccessRecord& record) {
      std::lock_guard lock(mutex_);
      statuses_.push_back(record.status);
      paths_.push_back(record.request->path);
      changed_.notify_all();
    };
    const auto keep = [this](std::shared_ptr<const HttpRequest> request, std::shared_ptr<Responder> responder) {
      std::lock_guard lock(mutex_);
      held_.push_back({std::move(request), std::move(responder)});
      changed_.notify_all();
    };
    const auto hold = [this, keep](std::shared_ptr<const HttpRequest> request, std::shared_ptr<Responder> responder) {
      Watch(*responder);
      keep(std::move(request), std::move(responder));
    };
    const auto echo = [](const std::shared_ptr<const HttpRequest>& request,
                         const std::shared_ptr<Responder>& responder) {
      responder->Send(200, "text/plain", request->body);
    };
    const auto drop = [](const std::shared_ptr<const HttpRequest>&, const std::shared_ptr<Responder>&) {};
    auto server = HttpServer::Start(std::move(options), {{{"POST", "/echo", echo},
                                                          {"GET", "/echo", echo},
                                                          {"POST", "/messages", echo, false, AnthropicErrorBody},
                                                          {"GET", "/hold", hold},
                                                          {"GET", "/keep", keep},
                                                          {"GET", "/drop", drop}},
                                                         ApiKeys::Create({}).value(),
                                                         {"https://page"}});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  struct Held {
    std::shared_ptr<const HttpRequest> request;
    std::shared_ptr<Responder> responder;
  };
  Held TakeHeld() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [this] { return !held_.empty(); }));
    Held held = held_.front();
    held_.erase(held_.begin());
    return held;
  }
  // What WaitForGone counts.
  void Watch(Responder& responder) {
    responder.OnGone([this] {
      std::lock_guard lock(mutex_);
      ++gone_;
      changed_.notify_all();
    });
  }
  void WaitForGone(int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [&] { return gone_ >= count; }));
  }
  std::vector<int> WaitForStatuses(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [&] { return statuses_.size() >= count; }));
    return statuses_;
  }
  std::vector<std::string> paths() {
    std::lock_guard lock(mutex_);
    return paths_;
  }
  HttpServer& operator*() { return *server_; }
  HttpServer* operator->() { return server_.get(); }
  int port() const { return server_->port(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Held> held_;
  std::vector<int> statuses_;  // of answers that have ended, with the paths of their requests
  std::vector<std::string> paths_;
  int gone_ = 0;
  std::unique_ptr<HttpServer> server_;  // first to go: its threads use the rest
};

std::string Get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}

TEST(HttpServer, AnswersOneRequestAfterTheOtherOnAConnection) {
  TestServer server;
  SocketClient client(server.port());
  for (const char* body : {"one", "two"}) {
    client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nX-Request-Id: my-id\r\nContent-Length: 3\r\n\r\n" +
                std::string(body));
    const std::string answer = client.ReadUntil(body);
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("x-request-id: my-id\r\n"),
                              HasSubstr("content-length: 3\r\n"), HasSubstr("connection: keep-alive")));
  }
}

TEST(HttpServer, AnswersTellTheirSpanInTheTraceOfTheRequest) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736", span = "00f067aa0ba902b7";
  const std::string header = "traceparent: 00-" + trace + "-" + span + "-01\r\n";
  TestServer server;
  SocketClient client(server.port());
  const auto ask = [&](const std::string& headers) {
    client.Send(Get("/echo", headers));
    return client.ReadUntil("\r\n\r\n");
  };
  EXPECT_THAT(ask(header), AllOf(HasSubstr("traceresponse: 00-" + trace + "-"), Not(HasSubstr(span))));
  EXPECT_THAT(ask(""), Not(HasSubstr("traceresponse")));
  EXPECT_THAT(ask("traceparent: 00-" + trace + "-x\r\n"), AllOf(HasSubstr("200 OK"), Not(HasSubstr("traceresponse"))));
  EXPECT_THAT(ask(header + header), AllOf(HasSubstr("200 OK"), Not(HasSubstr("traceresponse"))));

  TestServer beginning({.begin_traces = true});
  SocketClient other(beginning.port());
  other.Send(Get("/echo", header) + Get("/echo"));
  EXPECT_THAT(other.ReadUntil("\r\n\r\n"), HasSubstr("traceresponse: 00-" + trace + "-"));
  EXPECT_THAT(other.ReadUntil("\r\n\r\n"), HasSubstr("traceresponse: 00-"));
}

TEST(HttpServer, RequestsSentAheadAreAnsweredInOrder) {
  TestServer server;
  SocketClient client(server.port());
  client.Send(Get("/hold") + "POST /echo HTTP/1.1\r\nContent-Length: 6\r\n\r\nsecond" +
              Get("/drop", "Connection: close\r\n"));
  server.TakeHeld().responder->Send(200, "text/plain", "first");
  EXPECT_THAT(client.ReadUntil("first"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReadUntil("second"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("500 Internal Server Error"));
}

TEST(HttpServer, AnswersInPiecesArriveAsTheyAreWritten) {
  TestServer server;
  SocketClient client(server.port());
  client.Send(Get("/hold"));
  const TestServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/event-stream");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("transfer-encoding: chunked"));
  held.responder->Write("data: 1\n\n");
  EXPECT_EQ(client.ReadUntil("1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  held.responder->Write("");
  held.responder->End();
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_FALSE(held.responder->is_open());
}

TEST(HttpServer, OldClientsGetPiecesUntilTheConnectionEnds) {
  TestServer server;
  SocketClient client(server.port());
  client.Send("GET /hold HTTP/1.0\r\n\r\n");
  const TestServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/plain");
  held.responder->Write("a");
  held.responder->Write("b");
  held.responder->End();
  EXPECT_THAT(client.ReadToEnd(), AllOf(Not(HasSubstr("chunked")), EndsWith("\r\n\r\nab")));
}

TEST(HttpServer, HeadGetsTheHeadersAlone) {
  TestServer server;
  SocketClient client(server.port());
  client.Send("HEAD /echo HTTP/1.1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
  EXPECT_THAT(client.ReadToEnd(), AllOf(HasSubstr("content-length: 4\r\n"), EndsWith("\r\n\r\n")));
}

TEST(HttpServer, AClientThatGoesEndsItsRequest) {
  TestServer server;
  TestServer::Held held;
  {
    SocketClient client(server.port());
    client.Send(Get("/hold"));
    held = server.TakeHeld();
    held.responder->Begin(200, "text/event-stream");
  }
  server.WaitForGone(1);
  EXPECT_EQ(server.WaitForStatuses(1).front(), 499);
  EXPECT_FALSE(held.responder->is_open());
  held.responder->Write("nobody reads this");
  held.responder->End();
}

TEST(HttpServer, AClientThatSendsNoMoreGetsTheAnswersThatAreOwed) {
  TestServer server;
  SocketClient client(server.port());
  client.Send(Get("/keep") + Get("/echo") + "GET /ec");
  client.EndSending();
  const TestServer::Held held = server.TakeHeld();
  held.responder->Send(200, "text/plain", "kept");
  EXPECT_THAT(client.ReadUntil("kept"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(server.WaitForStatuses(2), ::testing::Each(200));
}

// It cannot be told from one that has gone, for which work must end.
TEST(HttpServer, AClientThatSendsNoMoreEndsWhatWatchesForItsGoing) {
  TestServer server;
  SocketClient early(server.port()), late(server.port());
  early.Send(Get("/hold"));
  early.EndSending();
  server.WaitForGone(1);
  late.Send(Get("/keep"));
  late.EndSending();
  server.TakeHeld();
  const TestServer::Held held = server.TakeHeld();
  server.Watch(*held.responder);
  server.WaitForGone(2);
  EXPECT_EQ(late.ReadToEnd(), "");
  EXPECT_THAT(server.WaitForStatuses(2), ::testing::Each(499));
}

TEST(HttpServer, AClientThatDoesNotReadIsCutOffAtALimit) {
  TestServer server({.max_queued_bytes = 1 << 20});
  SocketClient client(server.port());
  client.Send(Get("/hold"));
  const TestServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/event-stream");
  // The kernel's buffers take some MB before the queue grows.
  for (int i = 0; i < 1000 && held.responder->is_open(); ++i) held.responder->Write(std::string(1 << 16, 'x'));
  EXPECT_FALSE(held.responder->is_open());
  server.WaitForGone(1);
}

TEST(HttpServer, ADroppedAnswerIsAnErrorOrACutConnection) {
  TestServer server;
  SocketClient early(server.port());
  early.Send(Get("/drop"));
  EXPECT_THAT(early.ReadUntil("}}"), HasSubstr("500 Internal Server Error"));
  SocketClient late(server.port());
  late.Send(Get("/hold"));
  TestServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/plain");
  held.responder->Write("a");
  EXPECT_THAT(late.ReadUntil("a\r\n"), HasSubstr("200 OK"));
  held.responder.reset();
  EXPECT_THAT(late.ReadToEnd(), Not(HasSubstr("0\r\n\r\n")));
}

TEST(HttpServer, NoiseIsAnsweredAndEndsItsConnectionOnly) {
  TestServer server;
  SocketClient good(server.port());
  for (const std::string_view noise : {"\x16\x03\x01\x02\x01\xfc\x03\x03\r\n\r\n", "SSH-2.0-x\r\n\r\n",
                                       "\r\n\r\n\r\n\r\n", "GET /%zz HTTP/1.1\r\nConnection: close\r\n\r\n"}) {
    SocketClient scanner(server.port());
    scanner.Send(noise);
    EXPECT_THAT(scanner.ReadToEnd(), StartsWith("HTTP/1.1 400 ")) << noise;
  }
  good.Send(Get("/echo"));
  EXPECT_THAT(good.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
}

TEST(HttpServer, BodiesBeyondTheLimitAreRefusedWhileTheClientStillSends) {
  TestServer server({.limits = {.max_body_bytes = 1000}});
  SocketClient client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
  client.Send(std::string(1'000'000, 'x'));
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("413 Content Too Large"));
}

TEST(HttpServer, WhoIsNotLetInIsToldBeforeTheBodyHasCome) {
  TestServer server;
  SocketClient client(server.port());
  client.Send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegins");
  EXPECT_THAT(client.ReadUntil("}}"), AllOf(HasSubstr("404 Not Found"), HasSubstr("connection: close")));
}

TEST(HttpServer, BodiesTogetherTakeNoMoreThanTheyMay) {
  TestServer server({.limits = {.max_body_bytes = 200'000}, .max_bodies_bytes = 250'000});
  const std::string body(200'000, 'x');
  const auto post = [](std::string_view path, size_t bytes) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(bytes) +
           "\r\n\r\n";
  };
  SocketClient first(server.port()), second(server.port()), third(server.port()), small(server.port());
  first.Send("GET /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body);
  TestServer::Held held = server.TakeHeld();
  second.Send(post("/echo", 200'000) + body);
  EXPECT_THAT(second.ReadUntil("}}"), AllOf(HasSubstr("503 Service Unavailable"), HasSubstr("retry-after: 1")));
  small.Send(post("/echo", 4) + "tiny");
  EXPECT_THAT(small.ReadUntil("tiny"), HasSubstr("200 OK"));
  held.request = nullptr;  // it has been read; the answer is still to come
  third.Send(post("/echo", 200'000) + body);
  EXPECT_THAT(third.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  held.responder->Send(200, "text/plain", "done");
  EXPECT_THAT(first.ReadUntil("done"), HasSubstr("200 OK"));
}

TEST(HttpServer, ARequestWhoseBodyIsRefusedIsAnsweredAsAnyOtherOfItsRoute) {
  TestServer server({.limits = {.max_body_bytes = 200'000}, .max_bodies_bytes = 100'000});
  const std::string head =
      "POST /messages HTTP/1.1\r\nHost: x\r\nOrigin: https://page\r\nX-Request-Id: mine\r\nContent-Length: ";
  for (const auto& [bytes, status, why] : {std::tuple{"200000", "503 Service Unavailable", "take all the memory"},
                                           {"200001", "413 Content", "larger than 200000"}}) {
    SocketClient client(server.port());
    client.Send(head + bytes + "\r\n\r\n" + std::string(150'000, 'x'));
    EXPECT_THAT(client.ReadUntil("}}"),
                AllOf(HasSubstr(status), HasSubstr(why), HasSubstr("access-control-allow-origin: https://page\r\n"),
                      HasSubstr("x-request-id: mine\r\n"), HasSubstr(R"({"type":"error",)")));
  }
  EXPECT_THAT(server.WaitForStatuses(2), ::testing::ElementsAre(503, 413));
  EXPECT_THAT(server.paths(), ::testing::Each("/messages"));
}

TEST(HttpServer, ARefusedClientReadsWhyHoweverMuchItSends) {
  TestServer server;
  for (int i = 0; i < 20; ++i) {
    SocketClient client(server.port());
    client.Send("GET /echo HTTP/1.1\r\nhost: a\r\nx: " + std::string(1 << 20, 'b'));
    EXPECT_THAT(client.ReadUntil("\r\n"), HasSubstr("431 "));
  }
}

TEST(HttpServer, SlowRequestsAndIdleConnectionsAreClosed) {
  using std::chrono::milliseconds;
  TestServer server({.request_timeout = milliseconds(50), .idle_timeout = milliseconds(50)});
  SocketClient idle(server.port()), slow(server.port());
  slow.Send("GET /echo HT");
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_EQ(slow.ReadToEnd(), "");
}

TEST(HttpServer, ContinueIsSentToWhoWaitsForIt) {
  TestServer server;
  SocketClient client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ab");
  EXPECT_THAT(client.ReadUntil("ab"), HasSubstr("200 OK"));
}

TEST(HttpServer, DrainingLetsAnswersEndAndTakesNothingNew) {
  TestServer server;
  SocketClient idle(server.port()), busy(server.port());
  busy.Send(Get("/hold"));
  const TestServer::Held held = server.TakeHeld();
  server->BeginDrain();
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_FALSE(server->WaitUntilIdle(std::chrono::milliseconds(1)));
  held.responder->Send(200, "text/plain", "done");
  EXPECT_TRUE(server->WaitUntilIdle(kLong));
  EXPECT_THAT(busy.ReadToEnd(), EndsWith("done"));
}

TEST(HttpServer, DrainingAnswersARequestThatHasBegunToCome) {
  TestServer server;
  SocketClient client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("100 Continue"));
  server->BeginDrain();
  EXPECT_FALSE(server->WaitUntilIdle(std::chrono::milliseconds(50)));
  client.Send("body");
  EXPECT_THAT(client.ReadToEnd(), AllOf(HasSubstr("connection: close"), EndsWith("body")));
  EXPECT_TRUE(server->WaitUntilIdle(kLong));
}

// A connection that comes last is not left to its idle timeout, for which the stop would wait.
TEST(HttpServer, StopsAtOnceWhileClientsComeOnSeveralThreads) {
  for (int round = 0; round < 100; ++round) {
    TestServer server({.threads = 4, .idle_timeout = kLong});
    std::vector<SocketClient> clients;
    for (int c = 0; c < 8; ++c) clients.emplace_back(server.port()).Send(Get("/echo"));
    if (round % 2 == 0) server->BeginDrain();
    const auto start = std::chrono::steady_clock::now();
    server->Stop();
    ASSERT_LT(std::chrono::steady_clock::now() - start, kLong / 2);
  }
}

TEST(HttpServer, ConnectionsBeyondTheLimitAreClosed) {
  TestServer server({.max_connections = 2});
  SocketClient first(server.port()), second(server.port());
  second.Send(Get("/echo"));
  EXPECT_THAT(second.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  SocketClient third(server.port());
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_EQ(server->stats().refused, 1);
}

TEST(HttpServer, ListensOnAUnixSocketAndReplacesOneLeftBehind) {
  const TempDir directory;
  const std::string path = directory.path() + "/engine.sock";
  {
    std::ofstream(path + ".unused");
  }
  for (int start = 0; start < 2; ++start) {
    TestServer server({.unix_socket = path});
    SocketClient client(path);
    client.Send(Get("/echo"));
    EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
    const auto second = HttpServer::Start({.unix_socket = path}, {{}, ApiKeys::Create({}).value(), {}});
    EXPECT_THAT(std::string(second.status().message()), HasSubstr("another server listens"));
  }
}

}  // namespace
}  // namespace engine
