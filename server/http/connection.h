// One client's connection: reads requests, has them handled one after the other, writes their answers. For server/http's
// own sources. Everything runs on the strand of its socket's executor.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "server/http/body_budget.h"
#include "server/http/exchange.h"
#include "server/http/http_server.h"
#include "server/http/transport.h"

namespace engine {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `options` and `router` must outlive it.
  Connection(std::unique_ptr<Transport> transport, std::string client, const HttpOptions& options, const Router& router,
             std::shared_ptr<BodyBudget> bodies);
  ~Connection();

  void Start();

  // Any thread. Drain: closes once no answer is under way, nor a request that has begun. Close: at once.
  void Drain();
  void Close();
  bool is_busy() const { return is_busy_; }                     // an answer is under way
  bool owes_answer() const { return is_busy_ || is_reading_; }  // or will be, once its request has come

 private:
  boost::asio::awaitable<void> ReadLoop();
  boost::asio::awaitable<void> SendContinue();
  boost::asio::awaitable<void> WriteRest(Exchange::Output output, size_t written);
  void Flush();
  void EndExchange();
  bool AnswersHalfClosed();
  void Advance();
  void TakeAhead();
  void TakeHead();
  void Handle();
  void AnswerError(int status, const std::string& message);
  std::shared_ptr<Responder> StartExchange();
  void FinishExchange(int status);
  void CloseGently();
  void CloseNow();
  void ArmDeadline(std::chrono::milliseconds delay);
  void DisarmDeadline();

  const std::unique_ptr<Transport> transport_;
  const std::string client_;
  const HttpOptions& options_;
  const Router& router_;
  RequestReader reader_;
  const std::shared_ptr<BodyBudget> bodies_;       // the server's
  std::shared_ptr<BodyBudget::Share> body_share_;  // of the request that is coming; null: none is
  std::string ahead_;                              // read and not yet taken by the reader
  std::shared_ptr<Exchange> exchange_;
  HttpRequest request_;           // that is coming or is answered; once it is answered, as much as the access log has
  const Route* route_ = nullptr;  // whose handler answers it; null: none does
  std::chrono::steady_clock::time_point exchange_start_;
  boost::asio::steady_timer deadline_;
  bool is_writing_ = false;  // what the socket did not take at once, or leave to send; the rest follows it
  bool is_closing_ = false;  // nothing more is answered; what still comes is dropped
  bool is_closed_ = false;
  bool is_half_closed_ = false;      // the client sends no more
  std::shared_ptr<Connection> own_;  // itself, from then until it is closed
  std::atomic<bool> is_draining_ = false;
  std::atomic<bool> is_busy_ = false;
  std::atomic<bool> is_reading_ = false;  // some of a request has come
};

}  // namespace engine
