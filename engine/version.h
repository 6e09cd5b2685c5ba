// Which release this is.
#pragma once

#include <string_view>

namespace engine {

std::string_view Version();  // "0.1.0"

}  // namespace engine
