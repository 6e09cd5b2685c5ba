// The name that someone probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

// The nearest of `names`, the first of equals, if at most a third of the letters of `name` are wrong; else empty.
std::string NearestName(std::string_view name, const std::vector<std::string_view>& names);

// "; did you mean max_tokens?", to end a message with; empty where `nearest` is.
std::string DidYouMean(std::string_view nearest);

}  // namespace engine
