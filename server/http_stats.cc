#include "server/http_stats.h"

namespace engine {

void HttpStats::Count(const AccessRecord& record) {
  const std::string& path = record.request->path;
  std::lock_guard lock(mutex_);
  ++counts_.answers[{paths_.contains(path) ? path : "other", record.status}];
  counts_.body_bytes += record.body_bytes;
}

HttpStats::Counts HttpStats::Read() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace engine
