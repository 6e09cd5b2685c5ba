#include "server/http/json_poster.h"

#include <optional>
#include <thread>
#include <utility>

#include "server/http/endpoint_name.h"

namespace engine {

JsonPoster::JsonPoster(HttpAddress to)
    : to_(std::move(to)),
      name_(to_.unix_socket.empty() ? HostAndPort(to_.host, to_.port) : to_.unix_socket),
      is_looking_up_(std::make_shared<std::atomic<bool>>(false)) {}

absl::StatusOr<int> JsonPoster::Post(const std::string& body, std::chrono::milliseconds timeout) {
  if (*is_looking_up_) return absl::DeadlineExceededError(name_ + " is still being looked up");
  std::optional<absl::StatusOr<int>> result;
  std::unique_ptr<HttpClient> client = HttpClient::Create(to_);
  client->Send({.method = "POST",
                .path = "",
                .headers = {{"content-type", "application/json"}, {"connection", "close"}},
                .body = body,
                .on_end = [&](int status, const absl::Status& ended) {
                  result = ended.ok() ? absl::StatusOr<int>(status) : Annotate(ended, name_);
                }});
  client->RunFor(timeout);
  if (result) return *result;
  // The client goes when it has looked up the host, which nobody here waits for.
  *is_looking_up_ = true;
  std::thread([late = std::move(client), is_looking_up = is_looking_up_]() mutable {
    late.reset();
    *is_looking_up = false;
  }).detach();
  return absl::DeadlineExceededError(absl::StrFormat("no answer from %s within %d ms", name_, timeout.count()));
}

}  // namespace engine
