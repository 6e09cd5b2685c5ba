#include "server/http/endpoint_name.h"

#include <sys/un.h>

#include "absl/strings/str_format.h"

namespace engine {

std::string HostAndPort(std::string_view host, std::string_view port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return absl::StrFormat("%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

absl::Status CheckSocketPath(std::string_view path) {
  constexpr size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;  // a zero ends it
  if (path.size() <= kLongest) return absl::OkStatus();
  return InvalidArgument("the path %s has %d bytes; that of a Unix socket has at most %d", path, path.size(), kLongest);
}

}  // namespace engine
