#include "server/http/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "server/http/ascii.h"
#include "server/http/random_hex.h"

namespace engine {
namespace {

namespace asio = boost::asio;

constexpr size_t kReadBytes = size_t{16} << 10;
// Of requests that a client sends before it has the answer to the last one.
constexpr size_t kMostAheadBytes = size_t{64} << 10;
// For a client to read its last answer while it may still be sending, and to send the rest of its last request.
constexpr std::chrono::milliseconds kLinger{2000};
constexpr int kClientGone = 499;
constexpr size_t kMostTraceState = 512;  // which the standard asks to pass on; of a longer one it may be dropped

// The client's own id where it is one: short and printable, as it goes into headers and logs.
std::string RequestId(const HttpRequest& request) {
  const std::string_view given = request.Header("x-request-id");
  if (!given.empty() && given.size() <= kMaxIdBytes && IsPrintable(given)) return std::string(given);
  return "req_" + RandomHex(16);
}

// A header that is there twice is no better than a malformed one.
std::optional<TraceContext> TraceOf(const HttpRequest& request, bool begin_traces) {
  const auto is_traceparent = [](const auto& header) { return EqualIgnoringCase(header.first, "traceparent"); };
  std::optional<TraceContext> trace;
  if (std::ranges::count_if(request.headers, is_traceparent) == 1) {
    trace = ParseTraceparent(Trim(request.Header("traceparent")));
  }
  if (trace && request.Header("tracestate").size() <= kMostTraceState) trace->state = request.Header("tracestate");
  return trace || !begin_traces ? trace : BeginTrace();
}

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, std::string client, const HttpOptions& options,
                       const Router& router, std::shared_ptr<BodyBudget> bodies)
    : transport_(std::move(transport)),
      client_(std::move(client)),
      options_(options),
      router_(router),
      reader_(options.limits),
      bodies_(std::move(bodies)),
      deadline_(transport_->socket().get_executor()) {}

// A handler may hold the exchange for longer.
Connection::~Connection() {
  if (exchange_ != nullptr) exchange_->Gone();
}

void Connection::Start() {
  asio::co_spawn(
      transport_->socket().get_executor(), [self = shared_from_this()] { return self->ReadLoop(); }, asio::detached);
}

void Connection::Drain() {
  is_draining_ = true;
  asio::post(transport_->socket().get_executor(), [self = shared_from_this()] {
    if (self->exchange_ != nullptr || self->is_closing_) return;
    if (!self->reader_.has_begun()) return self->CloseNow();
    self->ArmDeadline(kLinger);  // for the rest of a request, which is answered
  });
}

void Connection::Close() {
  asio::post(transport_->socket().get_executor(), [self = shared_from_this()] { self->CloseNow(); });
}

// Reads as long as the client sends: while an answer is under way that is how its going is noticed.
asio::awaitable<void> Connection::ReadLoop() {
  const auto self = shared_from_this();
  ArmDeadline(options_.request_timeout);
  if (co_await transport_->Handshake()) co_return CloseNow();
  ArmDeadline(options_.idle_timeout);
  std::array<char, kReadBytes> bytes;
  while (true) {
    const Transport::ReadResult read = co_await transport_->Read(bytes);
    if (read.error == asio::error::eof && AnswersHalfClosed()) co_return;
    if (read.error && is_closing_) co_await transport_->Discard();
    if (read.error || is_closed_) co_return CloseNow();
    if (is_closing_) continue;
    ahead_.append(bytes.data(), read.bytes);
    Advance();
    if (ahead_.size() > kMostAheadBytes && exchange_ != nullptr) co_return CloseNow();
  }
}

// A client that sends no more may wait for its answer, as `nc` does, or have gone: nothing but writing tells. It gets
// the answers to what it has asked; those that are made for a client that is there are cancelled.
bool Connection::AnswersHalfClosed() {
  if (is_closed_ || exchange_ == nullptr || !exchange_->ClientSendsNoMore()) return false;
  is_half_closed_ = true;
  own_ = shared_from_this();  // ReadLoop, which ends, held it so far
  return true;
}

// Takes the next request from what has been read, if the last one is answered. A client may wait for leave to send the
// rest.
void Connection::Advance() {
  TakeAhead();
  if (exchange_ != nullptr || is_closing_ || is_closed_ || !reader_.WantsContinue()) return;
  is_writing_ = true;
  asio::co_spawn(
      transport_->socket().get_executor(), [self = shared_from_this()] { return self->SendContinue(); },
      asio::detached);
}

asio::awaitable<void> Connection::SendContinue() {
  const auto self = shared_from_this();
  if (co_await transport_->Write("HTTP/1.1 100 Continue\r\n\r\n")) co_return CloseNow();
  is_writing_ = false;
  Flush();
}

void Connection::TakeAhead() {
  if (exchange_ != nullptr || is_closing_ || is_closed_) return;
  const bool had_begun = reader_.has_begun();
  ahead_.erase(0, reader_.Take(ahead_));
  if (reader_.has_head() && body_share_ == nullptr) TakeHead();
  if (reader_.error_status() != 0) return AnswerError(reader_.error_status(), reader_.error());
  if (reader_.is_done() || is_closing_) return Handle();
  if (body_share_ != nullptr && !body_share_->GrowTo(reader_.body_bytes())) {
    return AnswerError(503, "the bodies of requests take all the memory that they may; try again later");
  }
  if (is_half_closed_) return CloseNow();
  is_reading_ = reader_.has_begun();
  if (is_reading_ && !had_begun) ArmDeadline(options_.request_timeout);
}

// Bodies take memory: who is not let in is told before the rest has come.
void Connection::TakeHead() {
  body_share_ = std::make_shared<BodyBudget::Share>(bodies_);
  request_ = reader_.Head();
  request_.trace = TraceOf(request_, options_.begin_traces);
  route_ = router_.Admit(request_);
  is_closing_ = !reader_.is_done() && route_ == nullptr;
}

// The body is the handler's alone, which lets it go once it has read it; the answer may take much longer.
void Connection::Handle() {
  std::string body = reader_.TakeBody();
  std::shared_ptr<void> body_share = body_share_;
  const std::shared_ptr<Responder> responder = StartExchange();
  if (route_ == nullptr) return router_.Refuse(request_, *responder);
  HttpHeaders headers = std::exchange(request_.headers, {});
  auto request = std::make_shared<HttpRequest>(request_);
  request->headers = std::move(headers);
  request->body = std::move(body);
  request->body_share = std::move(body_share);
  route_->handler(std::move(request), responder);
}

// A request that cannot be read is answered and ends the connection: where the next one begins is not known. What still
// comes of it is read and dropped, or the client would not get to see the answer.
void Connection::AnswerError(int status, const std::string& message) {
  is_closing_ = true;
  ahead_.clear();
  const ErrorWriter write_error = route_ == nullptr ? ErrorBody : route_->write_error;
  std::string body = write_error(status, message, "bad_request", "");  // the reader's message, which StartExchange ends
  StartExchange()->Send(status, "application/json", std::move(body),
                        status == 503 ? HttpHeaders{{"retry-after", "1"}} : HttpHeaders());
}

std::shared_ptr<Responder> Connection::StartExchange() {
  DisarmDeadline();
  request_.id = RequestId(request_);
  request_.client = client_;
  HttpHeaders headers = router_.CorsHeaders(request_);
  headers.emplace_back("x-request-id", request_.id);
  if (request_.trace) headers.emplace_back("traceresponse", TraceResponse(*request_.trace));
  const std::weak_ptr<Connection> weak = weak_from_this();
  const auto executor = transport_->socket().get_executor();
  exchange_ =
      std::make_shared<Exchange>(Exchange::Options{.is_head = request_.method == "HEAD",
                                                   .is_http_1_0 = reader_.is_http_1_0(),
                                                   .keep_alive = !is_draining_ && !is_closing_ && reader_.keep_alive(),
                                                   .max_queued_bytes = options_.max_queued_bytes,
                                                   .headers = std::move(headers),
                                                   .socket = is_writing_ ? -1 : transport_->plain_socket()},
                                 [weak, executor] {
                                   asio::post(executor, [weak] {
                                     if (const auto self = weak.lock()) self->Flush();
                                   });
                                 });
  if (is_half_closed_) exchange_->ClientSendsNoMore();
  exchange_start_ = std::chrono::steady_clock::now();
  is_busy_ = true;
  is_reading_ = false;
  reader_.Next();  // what is left of the body goes
  body_share_ = nullptr;
  return Exchange::MakeResponder(exchange_);
}

// Writes what of the answer did not go at once, and its end.
void Connection::Flush() {
  if (is_closed_ || exchange_ == nullptr) return;
  if (exchange_->is_cut()) return CloseNow();  // also within a write that the client holds up
  if (is_writing_) return;
  Exchange::Output output = exchange_->TakeOutput();
  const int socket = transport_->plain_socket();
  const size_t written = output.bytes.empty() || socket < 0 ? 0 : WriteAtOnce(socket, output.bytes);
  if (written < output.bytes.size()) {
    is_writing_ = true;
    asio::co_spawn(
        transport_->socket().get_executor(),
        [self = shared_from_this(), output = std::move(output), written]() mutable {
          return self->WriteRest(std::move(output), written);
        },
        asio::detached);
  } else if (output.is_last) {
    EndExchange();
  } else if (written > 0) {
    Flush();  // what has come meanwhile
  }
}

asio::awaitable<void> Connection::WriteRest(Exchange::Output output, size_t written) {
  const auto self = shared_from_this();
  ArmDeadline(options_.write_timeout);
  if (co_await transport_->Write(std::string_view(output.bytes).substr(written))) co_return CloseNow();
  is_writing_ = false;
  if (is_closed_) co_return;
  DisarmDeadline();
  if (output.is_last) co_return EndExchange();
  Flush();
}

void Connection::EndExchange() {
  const bool goes_on = exchange_->keep_alive() && !is_draining_;
  FinishExchange(exchange_->status());
  if (!goes_on) return CloseGently();
  ArmDeadline(options_.idle_timeout);
  Advance();
}

void Connection::FinishExchange(int status) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - exchange_start_).count();
  if (options_.on_access) options_.on_access({&request_, status, exchange_->body_bytes(), seconds});
  exchange_ = nullptr;
  request_ = {};
  route_ = nullptr;
  is_busy_ = false;
}

// Closing at once, with bytes of the client unread, would take the answer back from it.
void Connection::CloseGently() {
  is_closing_ = true;
  ArmDeadline(kLinger);
  asio::co_spawn(
      transport_->socket().get_executor(),
      [self = shared_from_this()]() -> asio::awaitable<void> {
        co_await self->transport_->EndSending();
        if (self->is_half_closed_) self->CloseNow();
      },
      asio::detached);
}

void Connection::CloseNow() {
  if (is_closed_) return;
  is_closed_ = true;
  is_reading_ = false;
  if (exchange_ != nullptr) {
    const std::shared_ptr<Exchange> exchange = exchange_;
    FinishExchange(kClientGone);
    exchange->Gone();
  }
  deadline_.cancel();
  Transport::ErrorCode ignored;
  transport_->socket().close(ignored);
  own_ = nullptr;
}

void Connection::ArmDeadline(std::chrono::milliseconds delay) {
  deadline_.expires_after(delay);
  deadline_.async_wait([weak = weak_from_this()](Transport::ErrorCode error) {
    if (error) return;
    if (const auto self = weak.lock()) self->CloseNow();
  });
}

void Connection::DisarmDeadline() { deadline_.cancel(); }

}  // namespace engine
