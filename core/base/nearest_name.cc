#include "core/base/nearest_name.h"

#include "core/base/edit_distance.h"

namespace engine {

std::string NearestName(std::string_view name, const std::vector<std::string_view>& names) {
  constexpr size_t kMaxName = 64;  // no name is longer; the comparison takes the product of the lengths
  if (name.size() > kMaxName) return {};
  std::string_view best;
  int best_distance = static_cast<int>(name.size()) / 3 + 1;
  for (const std::string_view candidate : names) {
    const int distance = EditDistance(name, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return std::string(best);
}

std::string DidYouMean(std::string_view nearest) {
  return nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
}

}  // namespace engine
