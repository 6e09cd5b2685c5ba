#include "server/http/request_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "boost/asio/buffer.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/string_body.hpp"
#include "server/http/ascii.h"

namespace engine {
namespace {

namespace http = boost::beast::http;

std::string Text(boost::beast::string_view text) { return {text.data(), text.size()}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = AsciiLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "http://here/v1/models?a=b", as clients of proxies send it, without what is before the path.
std::string_view WithoutAuthority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!EqualIgnoringCase(target.substr(0, scheme.size()), scheme)) continue;
    const size_t end = target.find_first_of("/?", scheme.size());
    return target.substr(std::min(end, target.size()));
  }
  return target;
}

}  // namespace

struct RequestReader::Parser {
  http::request_parser<http::string_body> value;
};

std::string DecodePath(std::string_view path) {
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      text += path[i];
      continue;
    }
    const int high = i + 2 < path.size() ? HexDigit(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? HexDigit(path[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) return "";
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return text;
}

RequestReader::RequestReader(RequestLimits limits) : limits_(limits) { Next(); }
RequestReader::~RequestReader() = default;

void RequestReader::Next() {
  parser_ = std::make_unique<Parser>();
  parser_->value.header_limit(static_cast<uint32_t>(limits_.max_header_bytes));
  parser_->value.body_limit(boost::none);  // until the head has been read, or it would not come
  headers_.clear();
  head_bytes_ = 0;
  done_ = has_begun_ = has_head_ = continue_was_asked_ = false;
  error_status_ = 0;
  error_.clear();
}

void RequestReader::Fail(int status, std::string message) {
  error_status_ = status;
  error_ = std::move(message);
}

void RequestReader::FailBody() {
  Fail(413, absl::StrFormat("the body is larger than %d bytes", limits_.max_body_bytes));
}

// Before a request, which anything else begins.
size_t RequestReader::SkipEmptyLines(std::string_view bytes) {
  constexpr std::string_view kLineEnd = "\r\n";
  size_t skipped = 0;
  while (!has_begun_ && bytes.substr(skipped).starts_with(kLineEnd)) skipped += kLineEnd.size();
  has_begun_ = has_begun_ || !kLineEnd.starts_with(bytes.substr(skipped));
  return skipped;
}

// What the parser takes whole (the head, a line around a chunk, trailers) is refused where it fills the largest piece.
size_t RequestReader::Take(std::string_view bytes) {
  const auto largest = static_cast<size_t>(limits_.max_header_bytes);
  size_t taken = SkipEmptyLines(bytes);
  if (!has_begun_) return taken;
  while (!done_ && error_status_ == 0 && taken < bytes.size()) {
    const std::string_view piece = bytes.substr(taken, largest);
    boost::system::error_code error;
    const size_t used = parser_->value.put(boost::asio::buffer(piece.data(), piece.size()), error);
    taken += used;
    // The parser's own limit is one of what it has at once, and it takes header after header.
    head_bytes_ += has_head_ ? 0 : used;
    if (!has_head_ && head_bytes_ > largest) error = http::error::header_limit;
    if (!has_head_ && !error && parser_->value.is_header_done()) ReadHead();
    if (error_status_ != 0) break;
    done_ = !error && parser_->value.is_done();
    if (error == http::error::body_limit) {
      FailBody();
    } else if (error == http::error::header_limit) {
      Fail(431, absl::StrFormat("the request line and headers are larger than %d bytes", limits_.max_header_bytes));
    } else if (error == http::error::need_more && used == 0 && piece.size() == largest) {
      Fail(431, absl::StrFormat("a line around a chunk, or the trailers, are larger than %d bytes", largest));
    } else if (error && error != http::error::need_more) {
      Fail(400, "malformed HTTP request: " + error.message());
    }
    if (used == 0) break;
  }
  return taken;
}

void RequestReader::ReadHead() {
  has_head_ = true;
  const auto& message = parser_->value.get();
  for (const auto& field : message) headers_.emplace_back(Text(field.name_string()), Text(field.value()));
  const auto max_body_bytes = static_cast<uint64_t>(limits_.max_body_bytes);
  parser_->value.body_limit(max_body_bytes);
  if (parser_->value.content_length().value_or(0) > max_body_bytes) return FailBody();
  const size_t num_hosts = message.count(http::field::host);
  if (num_hosts > 1 || (num_hosts == 0 && !is_http_1_0())) {
    return Fail(400, absl::StrFormat("malformed HTTP request: it has %d Host headers, and must have one", num_hosts));
  }
  const auto coding = message.find(http::field::transfer_encoding);
  if (coding == message.end()) return;
  if (is_http_1_0()) return Fail(400, "malformed HTTP request: HTTP/1.0 has no Transfer-Encoding");
  if (!EqualIgnoringCase(Text(coding->value()), "chunked")) {
    Fail(501, "Transfer-Encoding must be chunked, and nothing else");
  }
}

bool RequestReader::WantsContinue() {
  if (continue_was_asked_ || done_ || !parser_->value.is_header_done()) return false;
  continue_was_asked_ = true;
  return EqualIgnoringCase(Text(parser_->value.get()[http::field::expect]), "100-continue");
}

HttpRequest RequestReader::Head() const {
  const auto& message = parser_->value.get();
  HttpRequest request{.method = Text(message.method_string())};
  const std::string whole = Text(message.target());
  const std::string_view target = WithoutAuthority(whole);
  const size_t question = target.find('?');
  if (question != std::string::npos) request.query = target.substr(question + 1);
  const std::string_view path = target.substr(0, question);
  request.path = path.empty() ? "/" : DecodePath(path);
  request.headers = headers_;
  return request;
}

std::string RequestReader::TakeBody() { return std::move(parser_->value.get().body()); }
int64_t RequestReader::body_bytes() const { return static_cast<int64_t>(parser_->value.get().body().size()); }
bool RequestReader::keep_alive() const { return parser_->value.keep_alive(); }
bool RequestReader::is_http_1_0() const { return parser_->value.get().version() < 11; }

}  // namespace engine
