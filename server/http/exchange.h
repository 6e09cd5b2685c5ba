// One answer under way: what a handler hands in from any thread, and what its connection takes to write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/handler.h"

namespace engine {

class Exchange {
 public:
  struct Options {
    bool is_head = false;                         // the body is counted and dropped
    bool is_http_1_0 = false;                     // no chunks: the end of the connection ends an answer in pieces
    bool keep_alive = true;                       // the connection goes on afterwards
    int64_t max_queued_bytes = int64_t{8} << 20;  // a client that lets more gather counts as gone
    HttpHeaders headers;                          // of every answer: request id, CORS
  };

  // write_some: writes what the connection takes at once and returns how much; called on any thread, one at a time, and
  // never after Gone, while the connection has taken all there was. So a piece costs no other thread.
  // wake: called on any thread when the connection should take output, once until it does, and whenever the answer is cut:
  // a write that is under way may never end. Neither may block or call back.
  using WriteSome = std::function<size_t(std::string_view bytes)>;
  Exchange(Options options, WriteSome write_some, std::function<void()> wake)
      : options_(std::move(options)), write_some_(std::move(write_some)), wake_(std::move(wake)) {}

  // For the handler; when its last copy goes before the end, the answer is a 500 or is cut.
  static std::shared_ptr<Responder> MakeResponder(std::shared_ptr<Exchange> exchange);

  // For the connection.
  struct Output {
    std::string bytes;     // all that are ready to be written; none: write_some takes over until the next wake
    bool is_last = false;  // nothing follows them
  };
  Output TakeOutput();
  bool is_cut() const;  // the answer breaks off: the connection must be closed
  bool keep_alive() const;
  // The client has gone: nothing more is taken from the handler.
  void Gone();
  // It may have: false if the handler wants to know, now; if it does later, it is told so and the answer is cut.
  bool ClientSendsNoMore();

  int status() const;  // 0: none yet
  int64_t body_bytes() const;

 private:
  friend class HandlerSide;

  std::string Start(int status, std::string_view content_type, const HttpHeaders& headers, int64_t body_bytes);
  void Send(int status, std::string_view content_type, const std::string& body, const HttpHeaders& headers);
  void Begin(int status, std::string_view content_type, const HttpHeaders& headers);
  void Write(std::string_view piece);
  void End();
  void Abandon();
  void OnGone(std::function<void()> on_gone);
  bool is_open() const;

  void Put(std::string_view bytes);
  void WakeIfNeeded();

  const Options options_;
  const WriteSome write_some_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards what follows
  std::string output_;
  int status_ = 0;
  int64_t body_bytes_ = 0;
  bool in_pieces_ = false;
  bool keep_alive_ = true;
  bool is_asleep_ = true;  // the connection has written everything, and waits for wake_
  bool ended_ = false;
  bool cut_ = false;
  bool gone_ = false;
  bool half_closed_ = false;
  std::function<void()> on_gone_;
};

}  // namespace engine
