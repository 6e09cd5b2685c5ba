#include "text/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

// Length of the longest end of `text` that is a beginning of `stop`.
size_t PartialMatch(std::string_view text, std::string_view stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.ends_with(stop.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string StopMatcher::Append(std::string_view text) {
  if (stopped()) return {};
  held_ += text;
  size_t first_end = std::string::npos;
  const std::string* found = nullptr;
  size_t keep = 0;
  for (const std::string& stop : stops_) {
    keep = std::max(keep, PartialMatch(held_, stop));
    const size_t at = held_.find(stop);
    if (at == std::string::npos) continue;
    const size_t end = at + stop.size();
    if (end < first_end || (end == first_end && stop.size() > found->size())) {
      first_end = end;
      found = &stop;
    }
  }
  if (found != nullptr) {
    found_ = *found;
    return std::exchange(held_, {}).substr(0, first_end - (include_ ? 0 : found_.size()));
  }
  std::string certain = held_.substr(0, held_.size() - keep);
  held_.erase(0, certain.size());
  return certain;
}

std::string StopMatcher::Flush() { return std::exchange(held_, {}); }

}  // namespace engine
