// How the places that servers listen on are written.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace engine {

// "127.0.0.1:8000", "[::1]:8000".
std::string HostAndPort(std::string_view host, std::string_view port);

// Refuses a path that is too long for a Unix socket.
absl::Status CheckSocketPath(std::string_view path);

}  // namespace engine
