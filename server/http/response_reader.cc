#include "server/http/response_reader.h"

#include <utility>

#include "boost/asio/buffer.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/string_body.hpp"

namespace engine {
namespace {

namespace http = boost::beast::http;

}  // namespace

struct ResponseReader::Parser {
  http::response_parser<http::string_body> value;
};

ResponseReader::ResponseReader() : parser_(std::make_unique<Parser>()) { parser_->value.body_limit(boost::none); }
ResponseReader::~ResponseReader() = default;

absl::StatusOr<std::string> ResponseReader::Take(std::string_view bytes) {
  has_begun_ = has_begun_ || !bytes.empty();
  ahead_.append(bytes);
  size_t taken = 0;
  while (!is_done() && taken < ahead_.size()) {
    boost::system::error_code error;
    const size_t used = parser_->value.put(boost::asio::buffer(ahead_.data() + taken, ahead_.size() - taken), error);
    taken += used;
    if (error == http::error::need_more || (!error && used == 0)) break;
    if (error) return DataLoss("malformed HTTP response: %s", error.message());
  }
  ahead_.erase(0, taken);
  return std::exchange(parser_->value.get().body(), {});
}

absl::Status ResponseReader::TakeEnd() {
  boost::system::error_code error;
  if (!is_done() && has_begun_) parser_->value.put_eof(error);
  if (is_done()) return absl::OkStatus();
  return DataLoss("the server closed the connection %s", !has_begun_     ? "without an answer"
                                                         : status() == 0 ? "within the head of its answer"
                                                                         : "within its answer");
}

bool ResponseReader::is_done() const { return parser_->value.is_done(); }
int ResponseReader::status() const {
  return parser_->value.is_header_done() ? static_cast<int>(parser_->value.get().result_int()) : 0;
}
bool ResponseReader::keep_alive() const { return is_done() && parser_->value.keep_alive() && ahead_.empty(); }

}  // namespace engine
