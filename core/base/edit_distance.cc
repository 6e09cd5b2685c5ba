#include "core/base/edit_distance.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace engine {

int EditDistance(std::string_view a, std::string_view b) {
  // distance[j]: from the first i characters of a to the first j of b.
  std::vector<int> distance(b.size() + 1);
  std::iota(distance.begin(), distance.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int diagonal = std::exchange(distance[0], static_cast<int>(i));
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = distance[j];
      distance[j] = std::min({replaced, distance[j] + 1, distance[j - 1] + 1});
    }
  }
  return distance.back();
}

}  // namespace engine
