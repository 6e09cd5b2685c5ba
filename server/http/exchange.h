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

  // wake: called on any thread when there may be something to take; it must not block or call back.
  Exchange(Options options, std::function<void()> wake) : options_(std::move(options)), wake_(std::move(wake)) {}

  // For the handler; when its last copy goes before the end, the answer is a 500 or is cut.
  static std::shared_ptr<Responder> MakeResponder(std::shared_ptr<Exchange> exchange);

  // For the connection. Bytes that are ready to be written, all of them.
  std::string TakeOutput();
  // Whether the answer is over and taken; if it was cut the connection must be closed.
  bool is_over() const;
  bool is_cut() const;
  bool keep_alive() const;
  // The client has gone: nothing more is taken from the handler.
  void Gone();

  int status() const;  // 0: none yet
  int64_t body_bytes() const;

 private:
  friend class HandlerSide;

  void Start(int status, std::string_view content_type, const HttpHeaders& headers, int64_t body_bytes);
  void Send(int status, std::string_view content_type, std::string body, const HttpHeaders& headers);
  void Begin(int status, std::string_view content_type, const HttpHeaders& headers);
  void Write(std::string piece);
  void End();
  void Abandon();
  void OnGone(std::function<void()> on_gone);
  bool is_open() const;

  const Options options_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards what follows
  std::string output_;
  int status_ = 0;
  int64_t body_bytes_ = 0;
  bool in_pieces_ = false;
  bool keep_alive_ = true;
  bool ended_ = false;
  bool cut_ = false;
  bool gone_ = false;
  std::function<void()> on_gone_;
};

}  // namespace engine
