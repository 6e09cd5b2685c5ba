#include "server/http_stats.h"

namespace engine {

void HttpStats::Count(const AccessRecord& record) {
  const std::string& route = record.request->route;
  std::lock_guard lock(mutex_);
  ++counts_.answers[{route.empty() ? "other" : route, record.status}];
  counts_.body_bytes += record.body_bytes;
}

HttpStats::Counts HttpStats::Read() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace engine
