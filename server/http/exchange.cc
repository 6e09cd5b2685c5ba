#include "server/http/exchange.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/http/write_batch.h"

namespace engine {
namespace {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

// A header's value goes on one line, whatever a handler took it from.
void AppendHeader(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  for (const char c : value) head += c == '\r' || c == '\n' ? ' ' : c;
  head += "\r\n";
}

}  // namespace

class HandlerSide : public Responder {
 public:
  explicit HandlerSide(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~HandlerSide() override { exchange_->Abandon(); }

  void Send(int status, std::string_view content_type, std::string body, HttpHeaders headers) override {
    exchange_->Send(status, content_type, body, headers);
  }
  void Begin(int status, std::string_view content_type, HttpHeaders headers) override {
    exchange_->Begin(status, content_type, headers);
  }
  void Write(std::string piece) override { exchange_->Write(piece); }
  void WriteLater(std::string piece, WriteBatch& batch) override {
    if (exchange_->WriteLater(piece)) batch.Add(exchange_);
  }
  void End() override { exchange_->End(); }
  void OnGone(std::function<void()> on_gone) override { exchange_->OnGone(std::move(on_gone)); }
  bool is_open() const override { return exchange_->is_open(); }

 private:
  const std::shared_ptr<Exchange> exchange_;  // shared with the connection
};

std::shared_ptr<Responder> Exchange::MakeResponder(std::shared_ptr<Exchange> exchange) {
  return std::make_shared<HandlerSide>(std::move(exchange));
}

// The head. body_bytes -1: not known yet. Called with the mutex held.
std::string Exchange::Start(int status, std::string_view content_type, const HttpHeaders& headers, int64_t body_bytes) {
  status_ = status;
  in_pieces_ = body_bytes < 0;
  keep_alive_ = options_.keep_alive && !(in_pieces_ && options_.is_http_1_0);
  std::string head = absl::StrFormat("HTTP/1.1 %d %s\r\n", status, ReasonPhrase(status));
  if (!content_type.empty()) AppendHeader(head, "content-type", content_type);
  for (const auto& [name, value] : options_.headers) AppendHeader(head, name, value);
  for (const auto& [name, value] : headers) AppendHeader(head, name, value);
  if (!in_pieces_ && status != 204) AppendHeader(head, "content-length", absl::StrFormat("%d", body_bytes));
  if (in_pieces_ && !options_.is_http_1_0) AppendHeader(head, "transfer-encoding", "chunked");
  AppendHeader(head, "connection", keep_alive_ ? "keep-alive" : "close");
  return head + "\r\n";
}

void Exchange::Send(int status, std::string_view content_type, const std::string& body, const HttpHeaders& headers) {
  std::unique_lock lock(mutex_);
  if (status_ != 0 || gone_) return;
  output_ = Start(status, content_type, headers, static_cast<int64_t>(body.size()));
  body_bytes_ = static_cast<int64_t>(body.size());
  if (!options_.is_head && status != 204) output_ += body;
  ended_ = true;
  on_gone_ = nullptr;
  Unlock(std::move(lock));
}

void Exchange::Begin(int status, std::string_view content_type, const HttpHeaders& headers) {
  std::unique_lock lock(mutex_);
  if (status_ != 0 || gone_) return;
  Put(Start(status, content_type, headers, -1));
  Unlock(std::move(lock));
}

// A piece as it goes out, which may be nothing. Called with the mutex held.
std::string Exchange::Framed(std::string_view piece) {
  if (!in_pieces_ || ended_ || gone_ || cut_ || piece.empty()) return {};  // an empty chunk would end the answer
  body_bytes_ += static_cast<int64_t>(piece.size());
  if (options_.is_head) return {};
  if (options_.is_http_1_0) return std::string(piece);
  std::string chunk = absl::StrCat(absl::Hex(piece.size()), "\r\n");
  return chunk.append(piece).append("\r\n");
}

void Exchange::Write(std::string_view piece) {
  std::unique_lock lock(mutex_);
  Put(Framed(piece));
  Unlock(std::move(lock));
}

// True if somebody must see to it: a connection that is awake does so itself.
bool Exchange::WriteLater(std::string_view piece) {
  std::lock_guard lock(mutex_);
  Queue(Framed(piece));
  if (is_in_batch_) return false;
  is_in_batch_ = cut_ || (is_asleep_ && !output_.empty());
  return is_in_batch_;
}

SocketWrite Exchange::BeginSend(std::unique_lock<std::mutex>& lock) {
  lock = std::unique_lock(mutex_);
  is_in_batch_ = false;
  const bool is_mine = is_asleep_ && !gone_ && options_.socket >= 0;
  return {.socket = options_.socket, .bytes = is_mine ? std::string_view(output_) : ""};
}

void Exchange::EndSend(std::unique_lock<std::mutex> lock, size_t written) {
  output_.erase(0, written);
  Unlock(std::move(lock));
}

void Exchange::Unlock(std::unique_lock<std::mutex> lock) {
  const bool has_output = is_asleep_ && (!output_.empty() || ended_);
  if (!has_output && !cut_) return;
  is_asleep_ = false;
  lock.unlock();
  wake_();
}

void Exchange::End() {
  std::unique_lock lock(mutex_);
  if (!in_pieces_ || ended_ || gone_) return;
  if (!options_.is_head && !options_.is_http_1_0) output_ += "0\r\n\r\n";
  ended_ = true;
  on_gone_ = nullptr;
  Unlock(std::move(lock));
}

void Exchange::Abandon() {
  std::unique_lock lock(mutex_);
  if (ended_ || gone_ || cut_) return;
  cut_ = status_ != 0;
  if (cut_) return Unlock(std::move(lock));
  lock.unlock();
  Send(500, "application/json", ErrorBody(500, "the request was dropped; this is a bug of the server", "dropped"), {});
}

void Exchange::OnGone(std::function<void()> on_gone) {
  std::unique_lock lock(mutex_);
  if (ended_) return;
  if (!gone_ && !half_closed_) {
    on_gone_ = std::move(on_gone);
    return;
  }
  cut_ = true;
  Unlock(std::move(lock));
  on_gone();
}

bool Exchange::ClientSendsNoMore() {
  std::lock_guard lock(mutex_);
  half_closed_ = true;
  return on_gone_ == nullptr;
}

bool Exchange::is_open() const {
  std::lock_guard lock(mutex_);
  return !ended_ && !gone_ && !cut_;
}

Exchange::Output Exchange::TakeOutput() {
  std::lock_guard lock(mutex_);
  is_asleep_ = output_.empty();
  return {.bytes = std::exchange(output_, {}), .is_last = ended_};
}

// Called with the mutex held, which Gone waits for: the connection is there.
void Exchange::Put(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool at_once = is_asleep_ && output_.empty() && options_.socket >= 0;
  Queue(bytes.substr(at_once ? WriteAtOnce(options_.socket, bytes) : 0));
}

// Called with the mutex held.
void Exchange::Queue(std::string_view bytes) {
  output_.append(bytes);
  cut_ = cut_ || static_cast<int64_t>(output_.size()) > options_.max_queued_bytes;
}

bool Exchange::is_cut() const {
  std::lock_guard lock(mutex_);
  return cut_;
}

bool Exchange::keep_alive() const {
  std::lock_guard lock(mutex_);
  return keep_alive_;
}

void Exchange::Gone() {
  std::function<void()> on_gone;
  {
    std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    on_gone = std::exchange(on_gone_, nullptr);
  }
  if (on_gone) on_gone();
}

int Exchange::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

int64_t Exchange::body_bytes() const {
  std::lock_guard lock(mutex_);
  return body_bytes_;
}

}  // namespace engine
