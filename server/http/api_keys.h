// The keys with which clients may come.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "server/http/handler.h"

namespace engine {

// Any thread may call everything.
class ApiKeys {
 public:
  // Without keys everybody is let in. Empty keys are refused: they would let in who sends none. The router shares them
  // with who replaces them.
  static absl::StatusOr<std::shared_ptr<ApiKeys>> Create(std::vector<std::string> keys);
  // From the next request on. Refused without effect: empty keys, and none at all where there are some.
  absl::Status Replace(std::vector<std::string> keys);
  // One key per line; blank lines and lines that begin with # are skipped.
  static absl::StatusOr<std::vector<std::string>> ReadFile(const std::string& path);

  // The number of the key in "Authorization: Bearer KEY" or "x-api-key: KEY" (Anthropic's clients); -1 if none is asked
  // for; nullopt: not let in. Takes as long for any wrong key of one length. A key keeps its number while it is in force,
  // and nobody else gets it.
  std::optional<int> Find(const HttpRequest& request) const;

 private:
  struct Key {
    std::string text;
    int number;
  };
  using Keys = std::vector<Key>;

  std::shared_ptr<const Keys> Current() const;
  void Set(const std::vector<std::string>& keys);

  mutable std::mutex mutex_;
  // Guarded by mutex_; shared with those who compare while it is replaced.
  std::shared_ptr<const Keys> keys_ = std::make_shared<const Keys>();
  int next_number_ = 0;  // guarded by mutex_
};

}  // namespace engine
