// From bytes of a connection to the body of one HTTP/1.1 response, piece by piece as it comes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace engine {

class ResponseReader {
 public:
  ResponseReader();
  ~ResponseReader();

  // Takes all of `bytes` and returns what of the body became known. Any split of the bytes gives the same body.
  absl::StatusOr<std::string> Take(std::string_view bytes);
  // The connection has ended: an error unless that is how the body ends.
  absl::Status TakeEnd();

  bool has_begun() const { return has_begun_; }
  bool is_done() const;
  int status() const;       // 0 until the head has come
  bool keep_alive() const;  // whether the connection serves further requests

 private:
  struct Parser;

  std::unique_ptr<Parser> parser_;
  std::string ahead_;  // come and not yet taken by the parser
  bool has_begun_ = false;
};

}  // namespace engine
