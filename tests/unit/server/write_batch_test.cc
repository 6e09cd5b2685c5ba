// Pieces that go out together, over pairs of sockets.
#include "server/http/write_batch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>

#include "gtest/gtest.h"
#include "server/http/exchange.h"

namespace engine {
namespace {

// An answer in pieces that has begun, and its client.
class Stream {
 public:
  explicit Stream(bool is_plain = true) {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets_.data()), 0);
    exchange_ =
        std::make_shared<Exchange>(Exchange::Options{.socket = is_plain ? sockets_[0] : -1}, [this] { ++num_wakes_; });
    responder_ = Exchange::MakeResponder(exchange_);
    responder_->Begin(200, "text/plain");
    Read();
    while (!exchange_->TakeOutput().bytes.empty()) {
    }
    num_wakes_ = 0;
  }
  ~Stream() {
    exchange_->Gone();
    for (const int socket : sockets_) ::close(socket);
  }

  Responder& responder() { return *responder_; }
  void Leave() { ::shutdown(sockets_[1], SHUT_RDWR); }
  // All that has come.
  std::string Read() {
    std::string all;
    std::array<char, 4096> bytes;
    for (ssize_t n = 0; (n = ::recv(sockets_[1], bytes.data(), bytes.size(), 0)) > 0;) all.append(bytes.data(), n);
    return all;
  }
  // What is left to the connection, if it was told.
  std::string TakeRest() { return num_wakes_ > 0 ? exchange_->TakeOutput().bytes : ""; }

 private:
  std::array<int, 2> sockets_;
  int num_wakes_ = 0;
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Responder> responder_;
};

TEST(WriteBatch, PiecesGoOutWhenItIsSent) {
  for (const int count : {1, 2, 300}) {
    std::deque<Stream> streams(count);
    WriteBatch batch;
    for (int round = 0; round < 3; ++round) {
      for (Stream& stream : streams) {
        stream.responder().WriteLater("one", batch);
        stream.responder().WriteLater("two", batch);
        EXPECT_EQ(stream.Read(), "");
      }
      batch.Send();
      for (Stream& stream : streams) {
        EXPECT_EQ(stream.Read(), "3\r\none\r\n3\r\ntwo\r\n");
        EXPECT_EQ(stream.TakeRest(), "");
      }
    }
  }
}

TEST(WriteBatch, AClientThatHasGoneIsLeftToItsConnection) {
  std::deque<Stream> streams(3);
  WriteBatch batch;
  streams[1].Leave();
  for (Stream& stream : streams) stream.responder().WriteLater("x", batch);
  batch.Send();
  for (const int alive : {0, 2}) EXPECT_EQ(streams[alive].Read(), "1\r\nx\r\n");
  EXPECT_EQ(streams[1].TakeRest(), "1\r\nx\r\n");
}

TEST(WriteBatch, WhatASocketDoesNotTakeIsLeftToItsConnection) {
  std::deque<Stream> streams(2);
  WriteBatch batch;
  const std::string large(4 << 20, 'x');
  for (Stream& stream : streams) stream.responder().WriteLater(large, batch);
  batch.Send();
  for (Stream& stream : streams) {
    const std::string written = stream.Read(), rest = stream.TakeRest();
    EXPECT_FALSE(written.empty());
    EXPECT_TRUE(written + rest == "400000\r\n" + large + "\r\n");
  }
}

TEST(WriteBatch, WhatGoesOutUnderTlsIsLeftToItsConnection) {
  Stream plain, tls(/*is_plain=*/false);
  WriteBatch batch;
  for (Stream* stream : {&plain, &tls}) stream->responder().WriteLater("x", batch);
  batch.Send();
  EXPECT_EQ(plain.Read(), "1\r\nx\r\n");
  EXPECT_EQ(tls.Read(), "");
  EXPECT_EQ(tls.TakeRest(), "1\r\nx\r\n");
}

TEST(WriteBatch, WhatIsWrittenMeanwhileComesBehind) {
  Stream stream, other;
  WriteBatch batch;
  for (Stream* each : {&stream, &other}) each->responder().WriteLater("a", batch);
  stream.responder().Write("b");
  stream.responder().End();
  EXPECT_EQ(stream.TakeRest(), "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  batch.Send();
  EXPECT_EQ(stream.Read(), "");
  EXPECT_EQ(other.Read(), "1\r\na\r\n");
}

}  // namespace
}  // namespace engine
