// How far one name is from another.
#pragma once

#include <string_view>

namespace engine {

// Characters to insert, delete or replace to turn one text into the other. Takes the product of the lengths.
int EditDistance(std::string_view a, std::string_view b);

}  // namespace engine
