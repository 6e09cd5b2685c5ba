#include "server/http/request_reader.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPost =
    "POST /v1/chat%20x?a=1&b=%32 HTTP/1.1\r\nHost: here\r\nX-Twice: 1\r\nx-twice: 2\r\n"
    "Content-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "POST /x HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";

// Feeds `bytes` in pieces of `step` as a connection does: what is not taken comes again with more.
void Feed(std::string_view bytes, size_t step, RequestReader& reader) {
  std::string ahead;
  for (size_t i = 0; i < bytes.size(); i += step) {
    ahead += bytes.substr(i, step);
    ahead.erase(0, reader.Take(ahead));
  }
}

TEST(RequestReader, AnySplitGivesTheSameRequest) {
  for (size_t step = 1; step <= kPost.size(); ++step) {
    RequestReader reader({});
    Feed(kPost, step, reader);
    ASSERT_TRUE(reader.is_done()) << step;
    const HttpRequest request = reader.Head();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/v1/chat x");
    EXPECT_EQ(request.query, "a=1&b=%32");
    EXPECT_EQ(reader.TakeBody(), "hello");
    EXPECT_EQ(request.Header("X-TWICE"), "1");
    EXPECT_TRUE(reader.keep_alive());
  }
}

TEST(RequestReader, ChunkedBodiesComeWhole) {
  for (size_t step = 1; step <= kChunked.size(); ++step) {
    RequestReader reader({});
    Feed(kChunked, step, reader);
    ASSERT_TRUE(reader.is_done()) << step;
    EXPECT_EQ(reader.TakeBody(), "abcde");
  }
}

TEST(RequestReader, WhatFollowsARequestIsLeftForTheNext) {
  const std::string two = std::string(kPost) + std::string(kChunked);
  RequestReader reader({});
  const size_t taken = reader.Take(two);
  ASSERT_TRUE(reader.is_done());
  EXPECT_EQ(taken, kPost.size());
  EXPECT_EQ(reader.Take(std::string_view(two).substr(taken)), 0u);
  reader.Next();
  EXPECT_EQ(reader.Take(std::string_view(two).substr(taken)), kChunked.size());
  EXPECT_EQ(reader.TakeBody(), "abcde");
}

TEST(RequestReader, WhatIsNotHttpIsRefused) {
  for (const std::string_view bytes :
       {std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS to a plain port\r\n\r\n"),
        std::string_view("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::string_view("GET / HTTP/9.9\r\n\r\n"),
        std::string_view("GET /\r\n\r\n"), std::string_view("\0\0\0\0\r\n\r\n", 8),
        std::string_view("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        std::string_view("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"),
        std::string_view(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        std::string_view("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        std::string_view("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    RequestReader reader({});
    Feed(bytes, bytes.size(), reader);
    EXPECT_EQ(reader.error_status(), 400) << bytes;
    EXPECT_FALSE(reader.is_done());
  }
}

TEST(RequestReader, ARequestNamesOneHost) {
  const auto status = [](const std::string& bytes) {
    RequestReader reader({});
    Feed(bytes, 7, reader);
    return reader.error_status();
  };
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0);
  EXPECT_EQ(status("GET / HTTP/1.0\r\n\r\n"), 0);
}

// Some clients send one behind a body.
TEST(RequestReader, EmptyLinesBeforeARequestAreSkipped) {
  for (size_t step = 1; step <= kPost.size(); ++step) {
    RequestReader reader({});
    Feed("\r\n\r\n", step, reader);
    EXPECT_FALSE(reader.has_begun());
    Feed("\r\n" + std::string(kPost), step, reader);
    ASSERT_TRUE(reader.is_done()) << step;
    EXPECT_EQ(reader.TakeBody(), "hello");
  }
  RequestReader reader({});
  Feed("\r" + std::string(kPost), 1, reader);
  EXPECT_EQ(reader.error_status(), 400);
}

TEST(RequestReader, SizesAreLimitedAndNamed) {
  RequestReader body({.max_body_bytes = 4});
  Feed(kPost, 7, body);
  EXPECT_EQ(body.error_status(), 413);
  EXPECT_THAT(body.error(), HasSubstr("4 bytes"));
  RequestReader chunked({.max_body_bytes = 4});
  Feed(kChunked, 7, chunked);
  EXPECT_EQ(chunked.error_status(), 413);
  RequestReader header({.max_header_bytes = 200});
  Feed("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(400, 'x'), 7, header);
  EXPECT_EQ(header.error_status(), 431);
}

// What follows such a head would be read as requests of its own, that a proxy in front has not seen.
TEST(RequestReader, BodiesWhoseEndCannotBeToldAreRefused) {
  for (const std::string_view coding : {"gzip", "gzip, chunked", "chunked, identity", "identity", "xchunked"}) {
    RequestReader reader({});
    Feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
         7, reader);
    EXPECT_EQ(reader.error_status(), 501) << coding;
    EXPECT_FALSE(reader.is_done());
  }
}

// A reader that wants more of a line or of trailers without an end would have all of them kept.
TEST(RequestReader, NothingAroundChunksIsWithoutALimit) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view endless : {"1;x=", "00000000", "0\r\nX: ", "0\r\nX: 1\r\n"}) {
    RequestReader reader({.max_header_bytes = 1000});
    std::string bytes = head;
    while (bytes.size() < 3000) bytes += endless;
    Feed(bytes, 7, reader);
    EXPECT_NE(reader.error_status(), 0) << endless;
  }
}

TEST(RequestReader, TrailersAreNoHeaders) {
  RequestReader reader({});
  Feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
       7, reader);
  ASSERT_TRUE(reader.is_done());
  EXPECT_EQ(reader.Head().Header("authorization"), "");
  EXPECT_EQ(reader.TakeBody(), "a");
}

TEST(RequestReader, ATargetMayNameItsServer) {
  for (const auto& [target, path] : {std::pair{"http://here:80/v1/models?a=b", "/v1/models"},
                                     {"HTTPS://here/a", "/a"},
                                     {"http://here", "/"},
                                     {"http://here?a=/b", "/"}}) {
    RequestReader reader({});
    Feed("GET " + std::string(target) + " HTTP/1.1\r\nHost: here\r\n\r\n", 7, reader);
    ASSERT_TRUE(reader.is_done()) << target;
    EXPECT_EQ(reader.Head().path, path);
  }
}

TEST(RequestReader, HeadersAreLimitedTogetherHoweverTheyCome) {
  std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
  while (head.size() < 990) head += "X: 1\r\n";
  for (const size_t step : {1, 7, 100, 5000}) {
    RequestReader within({.max_header_bytes = 1000}), beyond({.max_header_bytes = 1000});
    Feed(head + "\r\n", step, within);
    EXPECT_TRUE(within.is_done()) << step;
    Feed(head + "X: 1\r\nX: 1\r\n\r\n", step, beyond);
    EXPECT_EQ(beyond.error_status(), 431) << step;
    EXPECT_FALSE(beyond.is_done());
  }
}

TEST(RequestReader, TellsOnceWhenTheClientWaitsForContinue) {
  RequestReader reader({});
  Feed("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", 1000, reader);
  EXPECT_TRUE(reader.WantsContinue());
  EXPECT_FALSE(reader.WantsContinue());
  Feed("ab", 1, reader);
  EXPECT_TRUE(reader.is_done());
}

TEST(DecodePath, MalformedEscapesGiveNothing) {
  EXPECT_EQ(DecodePath("/a%2Fb%c3%a9"), "/a/b\xc3\xa9");
  EXPECT_EQ(DecodePath("/%"), "");
  EXPECT_EQ(DecodePath("/%4"), "");
  EXPECT_EQ(DecodePath("/%zz"), "");
  EXPECT_EQ(DecodePath("/%00"), "");
}

}  // namespace
}  // namespace engine
