#include "cli/nearest_name.h"

#include <algorithm>

#include "core/base/edit_distance.h"

namespace engine {

std::string NearestName(std::string_view name, std::span<const std::string> names) {
  const auto nearest = std::ranges::min_element(names, {}, [&](const std::string& n) { return EditDistance(name, n); });
  return nearest == names.end() ? "" : *nearest;
}

}  // namespace engine
