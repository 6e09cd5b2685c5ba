#include "server/http/response_reader.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

std::string Body(ResponseReader& reader, std::string_view bytes) {
  const absl::StatusOr<std::string> body = reader.Take(bytes);
  EXPECT_TRUE(body.ok()) << body.status();
  return body.ok() ? *body : "";
}

constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n6;x=y\r\ndata: "
    "\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";

TEST(ResponseReader, AnySplitOfTheBytesGivesTheSameBody) {
  for (const std::string_view bytes :
       {kChunked, std::string_view("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello")}) {
    ResponseReader whole;
    const std::string expected = Body(whole, bytes);
    EXPECT_FALSE(expected.empty());
    for (size_t split = 0; split <= bytes.size(); ++split) {
      ResponseReader reader;
      std::string body = Body(reader, bytes.substr(0, split));
      EXPECT_EQ(reader.is_done(), split == bytes.size()) << split;
      body += Body(reader, bytes.substr(split));
      EXPECT_EQ(body, expected) << split;
      EXPECT_TRUE(reader.is_done() && reader.keep_alive()) << split;
      EXPECT_EQ(reader.status(), whole.status()) << split;
    }
    ResponseReader reader;
    std::string body;
    for (const char byte : bytes) body += Body(reader, {&byte, 1});
    EXPECT_EQ(body, expected);
  }
}

TEST(ResponseReader, APieceIsKnownWhenItHasCome) {
  ResponseReader reader;
  EXPECT_EQ(Body(reader, kChunked.substr(0, kChunked.find("1a\r\n"))), "data: ");
}

TEST(ResponseReader, TheEndOfTheConnectionEndsABodyWithoutLength) {
  ResponseReader reader;
  EXPECT_EQ(Body(reader, "HTTP/1.0 200 OK\r\n\r\nall of "), "all of ");
  EXPECT_EQ(Body(reader, "it"), "it");
  EXPECT_FALSE(reader.is_done());
  EXPECT_TRUE(reader.TakeEnd().ok());
  EXPECT_FALSE(reader.keep_alive());
}

TEST(ResponseReader, AnAnswerThatIsCutOffIsAnError) {
  ResponseReader silent, head, body;
  EXPECT_THAT(std::string(Message(silent.TakeEnd())), HasSubstr("without an answer"));
  Body(head, "HTTP/1.1 200 OK\r\nContent-");
  EXPECT_THAT(std::string(Message(head.TakeEnd())), HasSubstr("within the head"));
  Body(body, kChunked.substr(0, kChunked.size() - 3));
  EXPECT_THAT(std::string(Message(body.TakeEnd())), HasSubstr("within its answer"));
}

TEST(ResponseReader, WhatIsNoHttpIsAnError) {
  ResponseReader reader;
  EXPECT_FALSE(reader.Take("SSH-2.0-OpenSSH_9.2\r\n\r\n").ok());
}

}  // namespace
}  // namespace engine
