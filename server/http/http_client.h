// A POST to another server, for what this one reports of itself.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace engine {

struct HttpAddress {
  std::string host;
  std::string port = "80";
  std::string path;  // "/v1/traces"; empty: the URL had none
};

// "http://host:port/path", without TLS.
absl::StatusOr<HttpAddress> ParseHttpUrl(std::string_view url);

// The status of the answer. Blocks, for `timeout` at most.
absl::StatusOr<int> PostJson(const HttpAddress& to, const std::string& body, std::chrono::milliseconds timeout);

}  // namespace engine
