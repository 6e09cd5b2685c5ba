// What a server does not take from its clients, and what it tells them then.
#include "gmock/gmock.h"
#include "tests/unit/server/socket_client.h"
#include "tests/unit/server/test_http_server.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(HttpLimits, NoiseIsAnsweredAndEndsItsConnectionOnly) {
  TestHttpServer server;
  SocketClient good(server.port());
  for (const std::string_view noise : {"\x16\x03\x01\x02\x01\xfc\x03\x03\r\n\r\n", "SSH-2.0-x\r\n\r\n",
                                       "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    SocketClient scanner(server.port());
    scanner.Send(noise);
    EXPECT_THAT(scanner.ReadToEnd(), StartsWith("HTTP/1.1 400 ")) << noise;
  }
  good.Send(Get("/echo"));
  EXPECT_THAT(good.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
}

TEST(HttpLimits, BodiesBeyondTheLimitAreRefusedWhileTheClientStillSends) {
  TestHttpServer server({.limits = {.max_body_bytes = 1000}});
  SocketClient client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  client.Send(std::string(1'000'000, 'x'));
  EXPECT_THAT(client.ReadToEnd(), HasSubstr("413 Content Too Large"));
}

TEST(HttpLimits, WhoIsNotLetInIsToldBeforeTheBodyHasCome) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbegins");
  EXPECT_THAT(client.ReadUntil("}}"), AllOf(HasSubstr("404 Not Found"), HasSubstr("connection: close")));
}

TEST(HttpLimits, WhatIsMalformedIsSaidBeforeWhereItGoesIsLookedAt) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send("GET /nowhere HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.ReadToEnd(), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("0 Host headers")));
}

TEST(HttpLimits, BodiesTogetherTakeNoMoreThanTheyMay) {
  TestHttpServer server({.limits = {.max_body_bytes = 200'000}, .max_bodies_bytes = 250'000});
  const std::string body(200'000, 'x');
  const auto post = [](std::string_view path, size_t bytes) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(bytes) +
           "\r\n\r\n";
  };
  SocketClient first(server.port()), second(server.port()), third(server.port()), small(server.port());
  first.Send("GET /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body);
  TestHttpServer::Held held = server.TakeHeld();
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

TEST(HttpLimits, ARequestWhoseBodyIsRefusedIsAnsweredAsAnyOtherOfItsRoute) {
  TestHttpServer server({.limits = {.max_body_bytes = 200'000}, .max_bodies_bytes = 100'000});
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

TEST(HttpLimits, ARefusedClientReadsWhyHoweverMuchItSends) {
  TestHttpServer server;
  for (int i = 0; i < 20; ++i) {
    SocketClient client(server.port());
    client.Send("GET /echo HTTP/1.1\r\nhost: a\r\nx: " + std::string(1 << 20, 'b'));
    EXPECT_THAT(client.ReadUntil("\r\n"), HasSubstr("431 "));
  }
}

TEST(HttpLimits, SlowRequestsAndIdleConnectionsAreClosed) {
  using std::chrono::milliseconds;
  TestHttpServer server({.request_timeout = milliseconds(50), .idle_timeout = milliseconds(50)});
  SocketClient idle(server.port()), slow(server.port());
  slow.Send("GET /echo HT");
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_EQ(slow.ReadToEnd(), "");
}

TEST(HttpLimits, ContinueIsSentToWhoWaitsForIt) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ab");
  EXPECT_THAT(client.ReadUntil("ab"), HasSubstr("200 OK"));
}

TEST(HttpLimits, ContinueIsSentOnceTheAnswerBeforeItIs) {
  TestHttpServer server;
  SocketClient client(server.port());
  client.Send(Get("/echo") + "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("100 Continue\r\n\r\n"), HasSubstr("200 OK"));
  client.Send("ab");
  EXPECT_THAT(client.ReadUntil("ab"), HasSubstr("200 OK"));
}

TEST(HttpLimits, ConnectionsBeyondTheLimitAreClosed) {
  TestHttpServer server({.max_connections = 2});
  SocketClient first(server.port()), second(server.port());
  second.Send(Get("/echo"));
  EXPECT_THAT(second.ReadUntil("\r\n\r\n"), HasSubstr("200 OK"));
  SocketClient third(server.port());
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_EQ(server->stats().refused, 1);
}

}  // namespace
}  // namespace engine
