// Pieces of several answers that go out together.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "server/http/socket_writer.h"

namespace engine {

class Exchange;

// Belongs to the thread whose Responder::WriteLater it is given to.
class WriteBatch {
 public:
  // An answer that has pieces to be written, once until Send.
  void Add(std::shared_ptr<Exchange> exchange) { waiting_.push_back(std::move(exchange)); }

  void Send();

 private:
  void SendTogether(std::span<const std::shared_ptr<Exchange>> exchanges);

  std::vector<std::shared_ptr<Exchange>> waiting_;  // shared with their connections
  std::vector<SocketWrite> writes_;                 // reused
  SocketWriter writer_;
};

}  // namespace engine
