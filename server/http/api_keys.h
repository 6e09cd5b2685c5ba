// The keys with which clients may come.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "server/http/handler.h"

namespace engine {

class ApiKeys {
 public:
  // Without keys everybody is let in. Empty keys are refused: they would let in who sends none.
  static absl::StatusOr<ApiKeys> Create(std::vector<std::string> keys);
  // One key per line; blank lines and lines that begin with # are skipped.
  static absl::StatusOr<std::vector<std::string>> ReadFile(const std::string& path);

  // The number of the key in "Authorization: Bearer KEY" or "x-api-key: KEY" (Anthropic's clients); -1 if none is asked
  // for; nullopt: not let in. Takes as long for any wrong key of one length.
  std::optional<int> Find(const HttpRequest& request) const;

 private:
  explicit ApiKeys(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  std::vector<std::string> keys_;
};

}  // namespace engine
