#include "server/http/api_keys.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "server/http/ascii.h"

namespace engine {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Looks at every byte whatever it finds; only the length shows in its time.
bool Equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differences = 0;
  for (size_t i = 0; i < a.size(); ++i) differences |= static_cast<unsigned char>(a[i] ^ b[i]);
  return differences == 0;
}

std::string_view KeyOf(const HttpRequest& request) {
  std::string_view value = request.Header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (EqualIgnoringCase(value.substr(0, kBearer.size()), kBearer)) return Trim(value.substr(kBearer.size()));
  return request.Header("x-api-key");
}

absl::Status CheckKeys(const std::vector<std::string>& keys) {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) return InvalidArgument("API key %d is empty", i + 1);
    const bool has_control = std::ranges::any_of(keys[i], [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
    if (has_control || Trim(keys[i]) != keys[i]) {
      return InvalidArgument("API key %d has a blank at an end or a control character, which no request can bring",
                             i + 1);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<ApiKeys>> ApiKeys::Create(std::vector<std::string> keys) {
  RETURN_IF_ERROR(CheckKeys(keys));
  auto made = std::make_shared<ApiKeys>();
  made->Set(keys);
  return made;
}

absl::Status ApiKeys::Replace(std::vector<std::string> keys) {
  RETURN_IF_ERROR(CheckKeys(keys));
  if (keys.empty() && !Current()->empty()) return InvalidArgument("no API key is left; everybody would be let in");
  Set(keys);
  return absl::OkStatus();
}

void ApiKeys::Set(const std::vector<std::string>& keys) {
  std::lock_guard lock(mutex_);
  auto replaced = std::make_shared<Keys>();
  for (const std::string& key : keys) {
    const auto old = std::ranges::find(*keys_, key, &Key::text);
    replaced->push_back({key, old != keys_->end() ? old->number : next_number_++});
  }
  keys_ = std::move(replaced);
}

std::shared_ptr<const ApiKeys::Keys> ApiKeys::Current() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

absl::StatusOr<std::vector<std::string>> ApiKeys::ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return NotFound("cannot read the API keys of %s", path);
  std::vector<std::string> keys;
  bool is_first = true;
  for (std::string line; std::getline(file, line);) {
    const bool may_be_marked = std::exchange(is_first, false);  // by an editor on Windows
    if (may_be_marked && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    const std::string_view key = Trim(line);
    if (!key.empty() && key.front() != '#') keys.emplace_back(key);
  }
  if (file.bad()) return NotFound("cannot read the API keys of %s", path);
  if (keys.empty()) return InvalidArgument("%s has no API key; it must have one per line", path);
  return keys;
}

std::optional<int> ApiKeys::Find(const HttpRequest& request) const {
  const std::shared_ptr<const Keys> keys = Current();
  if (keys->empty()) return -1;
  const std::string_view given = KeyOf(request);
  std::optional<int> found;
  for (const Key& key : *keys) {
    if (Equal(key.text, given)) found = key.number;
  }
  return found;
}

}  // namespace engine
