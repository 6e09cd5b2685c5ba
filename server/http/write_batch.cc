#include "server/http/write_batch.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "server/http/exchange.h"

namespace engine {

void WriteBatch::Send() {
  std::ranges::sort(waiting_);
  std::span<const std::shared_ptr<Exchange>> rest = waiting_;
  while (!rest.empty()) {
    const size_t count = std::min(rest.size(), SocketWriter::kMostAtOnce);
    SendTogether(rest.first(count));
    rest = rest.subspan(count);
  }
  waiting_.clear();
}

// All are locked while their bytes go out: a connection does not close its socket meanwhile. Always in the same order.
void WriteBatch::SendTogether(std::span<const std::shared_ptr<Exchange>> exchanges) {
  std::vector<std::pair<Exchange*, std::unique_lock<std::mutex>>> sending;
  sending.reserve(exchanges.size());
  writes_.clear();
  for (const auto& exchange : exchanges) {
    std::unique_lock<std::mutex> lock;
    const SocketWrite write = exchange->BeginSend(lock);
    if (write.bytes.empty()) {
      exchange->EndSend(std::move(lock), 0);
    } else {
      writes_.push_back(write);
      sending.emplace_back(exchange.get(), std::move(lock));
    }
  }
  writer_.Write(writes_);
  for (size_t i = 0; i < sending.size(); ++i) {
    auto& [exchange, lock] = sending[i];
    exchange->EndSend(std::move(lock), writes_[i].written);
  }
}

}  // namespace engine
