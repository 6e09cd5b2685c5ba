// The name that someone probably meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace engine {

// Characters to insert, delete or replace to turn one text into the other.
int EditDistance(std::string_view a, std::string_view b);

// The nearest of `names`, the first of equals; empty if there are none.
std::string NearestName(std::string_view name, std::span<const std::string> names);

}  // namespace engine
