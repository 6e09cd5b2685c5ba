// The page at `/`: a chat and the server's state, in one HTML file without other requests than to this server.
#pragma once

#include <string_view>

namespace engine {

std::string_view PageHtml();

}  // namespace engine
