// The name that someone probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace engine {

// The nearest of `names`, the first of equals; empty if there are none.
std::string NearestName(std::string_view name, std::span<const std::string> names);

}  // namespace engine
