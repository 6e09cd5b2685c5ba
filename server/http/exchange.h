// One answer under way: what a handler hands in from any thread, and what its connection takes to write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/handler.h"
#include "server/http/socket_writer.h"

namespace engine {

class Exchange {
 public:
  struct Options {
    bool is_head = false;                         // the body is counted and dropped
    bool is_http_1_0 = false;                     // no chunks: the end of the connection ends an answer in pieces
    bool keep_alive = true;                       // the connection goes on afterwards
    int64_t max_queued_bytes = int64_t{8} << 20;  // a client that lets more gather counts as gone
    HttpHeaders headers;                          // of every answer: request id, CORS
    // What it takes at once is written here, on any thread, one at a time, never after Gone, while the connection has taken
    // all there was: so a piece costs no other thread. -1: only the connection writes.
    int socket = -1;
  };

  // wake: called on any thread when the connection should take output, once until it does, and whenever the answer is cut:
  // a write that is under way may never end. May not block or call back.
  Exchange(Options options, std::function<void()> wake) : options_(std::move(options)), wake_(std::move(wake)) {}

  // For the handler; when its last copy goes before the end, the answer is a 500 or is cut.
  static std::shared_ptr<Responder> MakeResponder(std::shared_ptr<Exchange> exchange);

  // For the connection.
  struct Output {
    std::string bytes;  // all that are ready to be written; none: the handler's thread takes over until the next wake
    bool is_last = false;  // nothing follows them
  };
  Output TakeOutput();
  bool is_cut() const;  // the answer breaks off: the connection must be closed
  bool keep_alive() const;
  // The client has gone: nothing more is taken from the handler.
  void Gone();
  // It may have: false if the handler wants to know, now; if it does later, it is told so and the answer is cut.
  bool ClientSendsNoMore();

  // For WriteBatch: locks the exchange, and says what of it goes out; of that so much did.
  SocketWrite BeginSend(std::unique_lock<std::mutex>& lock);
  void EndSend(std::unique_lock<std::mutex> lock, size_t written);

  int status() const;  // 0: none yet
  int64_t body_bytes() const;

 private:
  friend class HandlerSide;

  std::string Start(int status, std::string_view content_type, const HttpHeaders& headers, int64_t body_bytes);
  void Send(int status, std::string_view content_type, const std::string& body, const HttpHeaders& headers);
  void Begin(int status, std::string_view content_type, const HttpHeaders& headers);
  void Write(std::string_view piece);
  bool WriteLater(std::string_view piece);
  void End();
  void Abandon();
  void OnGone(std::function<void()> on_gone);
  bool is_open() const;

  std::string Framed(std::string_view piece);
  void Put(std::string_view bytes);
  void Queue(std::string_view bytes);
  // Wakes the connection if there is something to see to that it does not know of.
  void Unlock(std::unique_lock<std::mutex> lock);

  const Options options_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards what follows
  std::string output_;
  int status_ = 0;
  int64_t body_bytes_ = 0;
  bool in_pieces_ = false;
  bool keep_alive_ = true;
  bool is_asleep_ = true;  // the connection has written everything, and waits for wake_
  bool is_in_batch_ = false;
  bool ended_ = false;
  bool cut_ = false;
  bool gone_ = false;
  bool half_closed_ = false;
  std::function<void()> on_gone_;
};

}  // namespace engine
