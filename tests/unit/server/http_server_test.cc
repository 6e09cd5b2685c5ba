// A server over real sockets, and clients that behave and that do not.
#include "server/http/http_server.h"

#include <fstream>

#include "gmock/gmock.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/server/socket_client.h"
#include "tests/unit/server/test_http_server.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(HttpServer, AnswersOneRequestAfterTheOtherOnAConnection) {
  TestHttpServer server;
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
  TestHttpServer server;
  SocketClient client(server.port());
  const auto ask = [&](const std::string& headers) {
    client.Send(Get("/echo", headers));
    return client.ReadUntil("\r\n\r\n");
  };
  EXPECT_THAT(ask(header), AllOf(HasSubstr("traceresponse: 00-" + trace + "-"), Not(HasSubstr(span))));
  EXPECT_THAT(ask(""), Not(HasSubstr("traceresponse")));
  EXPECT_THAT(ask("traceparent: 00-" + trace + "-x\r\n"), AllOf(HasSubstr("200 OK"), Not(HasSubstr("traceresponse"))));
  EXPECT_THAT(ask(header + header), AllOf(HasSubstr("200 OK"), Not(HasSubstr("traceresponse"))));

  TestHttpServer beginning({.begin_traces = true});
  SocketClient other(beginning.port());
  other.Send(Get("/echo", header) + Get("/echo"));
  EXPECT_THAT(other.ReadUntil("\r\n\r\n"), HasSubstr("traceresponse: 00-" + trace + "-"));
  EXPECT_THAT(other.ReadUntil("\r\n\r\n"), HasSubstr("traceresponse: 00-"));
}

TEST(HttpServer, RequestsSentAheadAreAnsweredInOrder) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send(Get("/hold") + "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nsecond" +
              Get("/drop", "Connection: close\r\n"));
  server.TakeHeld().responder->Send(200, "text/plain", "first");
  EXPECT_THAT(client.ReadUntil("first"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReadUntil("second"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("500 Internal Server Error"));
}

TEST(HttpServer, AnswersInPiecesArriveAsTheyAreWritten) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send(Get("/hold"));
  const TestHttpServer::Held held = server.TakeHeld();
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
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send("GET /hold HTTP/1.0\r\n\r\n");
  const TestHttpServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/plain");
  held.responder->Write("a");
  held.responder->Write("b");
  held.responder->End();
  EXPECT_THAT(client.ReadToEnd(), AllOf(Not(HasSubstr("chunked")), EndsWith("\r\n\r\nab")));
}

TEST(HttpServer, HeadGetsTheHeadersAlone) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send("HEAD /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
  EXPECT_THAT(client.ReadToEnd(), AllOf(HasSubstr("content-length: 4\r\n"), EndsWith("\r\n\r\n")));
}

TEST(HttpServer, AClientThatGoesEndsItsRequest) {
  TestHttpServer server;
  TestHttpServer::Held held;
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
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send(Get("/keep") + Get("/echo") + "GET /ec");
  client.EndSending();
  const TestHttpServer::Held held = server.TakeHeld();
  held.responder->Send(200, "text/plain", "kept");
  EXPECT_THAT(client.ReadUntil("kept"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(server.WaitForStatuses(2), ::testing::Each(200));
}

// It cannot be told from one that has gone, for which work must end.
TEST(HttpServer, AClientThatSendsNoMoreEndsWhatWatchesForItsGoing) {
  TestHttpServer server;
  SocketClient early(server.port()), late(server.port());
  early.Send(Get("/hold"));
  early.EndSending();
  server.WaitForGone(1);
  late.Send(Get("/keep"));
  late.EndSending();
  server.TakeHeld();
  const TestHttpServer::Held held = server.TakeHeld();
  server.Watch(*held.responder);
  server.WaitForGone(2);
  EXPECT_EQ(late.ReadToEnd(), "");
  EXPECT_THAT(server.WaitForStatuses(2), ::testing::Each(499));
}

TEST(HttpServer, AClientThatDoesNotReadIsCutOffAtALimit) {
  TestHttpServer server({.max_queued_bytes = 1 << 20});
  SocketClient client(server.port());
  client.Send(Get("/hold"));
  const TestHttpServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/event-stream");
  // The kernel's buffers take some MB before the queue grows.
  for (int i = 0; i < 1000 && held.responder->is_open(); ++i) held.responder->Write(std::string(1 << 16, 'x'));
  EXPECT_FALSE(held.responder->is_open());
  server.WaitForGone(1);
}

TEST(HttpServer, ADroppedAnswerIsAnErrorOrACutConnection) {
  TestHttpServer server;
  SocketClient early(server.port());
  early.Send(Get("/drop"));
  EXPECT_THAT(early.ReadUntil("}}"), HasSubstr("500 Internal Server Error"));
  SocketClient late(server.port());
  late.Send(Get("/hold"));
  TestHttpServer::Held held = server.TakeHeld();
  held.responder->Begin(200, "text/plain");
  held.responder->Write("a");
  EXPECT_THAT(late.ReadUntil("a\r\n"), HasSubstr("200 OK"));
  held.responder.reset();
  EXPECT_THAT(late.ReadToEnd(), Not(HasSubstr("0\r\n\r\n")));
}

TEST(HttpServer, DrainingLetsAnswersEndAndTakesNothingNew) {
  TestHttpServer server;
  SocketClient idle(server.port()), busy(server.port());
  busy.Send(Get("/hold"));
  const TestHttpServer::Held held = server.TakeHeld();
  server->BeginDrain();
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_FALSE(server->WaitUntilIdle(std::chrono::milliseconds(1)));
  held.responder->Send(200, "text/plain", "done");
  EXPECT_TRUE(server->WaitUntilIdle(kLong));
  EXPECT_THAT(busy.ReadToEnd(), EndsWith("done"));
}

TEST(HttpServer, DrainingAnswersARequestThatHasBegunToCome) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
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
    TestHttpServer server({.threads = 4, .idle_timeout = kLong});
    std::vector<SocketClient> clients;
    for (int c = 0; c < 8; ++c) clients.emplace_back(server.port()).Send(Get("/echo"));
    if (round % 2 == 0) server->BeginDrain();
    const auto start = std::chrono::steady_clock::now();
    server->Stop();
    ASSERT_LT(std::chrono::steady_clock::now() - start, kLong / 2);
  }
}

TEST(HttpServer, ListensOnAUnixSocketAndReplacesOneLeftBehind) {
  const TempDir directory;
  const std::string path = directory.path() + "/engine.sock";
  {
    std::ofstream(path + ".unused");
  }
  for (int start = 0; start < 2; ++start) {
    TestHttpServer server({.unix_socket = path});
    SocketClient client(path);
    client.Send(Get("/echo"));
    EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
    const auto second = HttpServer::Start({.unix_socket = path}, {{}, ApiKeys::Create({}).value(), {}});
    EXPECT_THAT(std::string(second.status().message()), HasSubstr("another server listens"));
  }
}

}  // namespace
}  // namespace engine
