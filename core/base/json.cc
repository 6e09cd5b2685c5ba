#include "core/base/json.h"

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Receives the parser's events and builds the document. The parser itself does not recurse, and a handler that returns
// false stops it, so the limits hold before memory is spent.
class Builder {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  Json Take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() { return Add(nullptr) != nullptr; }
  bool boolean(bool value) { return Add(value) != nullptr; }
  bool number_integer(int64_t value) { return Add(value) != nullptr; }
  bool number_unsigned(uint64_t value) { return Add(value) != nullptr; }
  bool number_float(double value, const std::string&) { return Add(value) != nullptr; }
  bool string(std::string& value) { return Add(std::move(value)) != nullptr; }
  bool binary(Json::binary_t&) { return Fail("holds binary data"); }

  bool start_object(size_t) {
    keys_.emplace_back();
    return Open(Json::object());
  }
  bool end_object() {
    keys_.pop_back();
    open_.pop_back();
    return true;
  }
  bool start_array(size_t) { return Open(Json::array()); }
  bool end_array() {
    open_.pop_back();
    return true;
  }
  bool key(std::string& name) {
    if (!keys_.back().insert(name).second) return Fail(absl::StrFormat("has the key \"%s\" twice", name));
    key_ = std::move(name);
    return true;
  }
  bool parse_error(size_t position, const std::string&, const Json::exception& error) {
    // The library starts its messages with "[json.exception.parse_error.101] ".
    const std::string_view text = error.what();
    const size_t bracket = text.find("] ");
    return Fail(absl::StrFormat("is not valid JSON at byte %d: %s", position,
                                bracket == std::string_view::npos ? text : text.substr(bracket + 2)));
  }

 private:
  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }

  // Where the value ended up, or null when the document has too many.
  Json* Add(Json value) {
    if (++num_values_ > limits_.max_values) {
      Fail(absl::StrFormat("has more than %d values", limits_.max_values));
      return nullptr;
    }
    if (open_.empty()) return &(root_ = std::move(value));
    Json& parent = *open_.back();
    if (parent.is_array()) {
      auto& items = parent.get_ref<Json::array_t&>();
      return &items.emplace_back(std::move(value));
    }
    // The library's own insertion searches all earlier keys; ours are known to be new.
    auto& members = static_cast<Json::object_t::Container&>(parent.get_ref<Json::object_t&>());
    return &members.emplace_back(std::move(key_), std::move(value)).second;
  }

  bool Open(Json container) {
    if (static_cast<int>(open_.size()) >= limits_.max_depth) {
      return Fail(absl::StrFormat("is nested deeper than %d levels", limits_.max_depth));
    }
    Json* added = Add(std::move(container));
    if (added == nullptr) return false;
    open_.push_back(added);  // stays valid: only the innermost open container grows
    return true;
  }

  const JsonLimits limits_;
  Json root_;
  std::vector<Json*> open_;
  std::vector<std::unordered_set<std::string>> keys_;  // one per open object
  std::string key_;
  int64_t num_values_ = 0;
  std::string error_;
};

}  // namespace

absl::StatusOr<nlohmann::ordered_json> ParseJson(std::string_view text, std::string_view what, JsonLimits limits) {
  if (text.size() > limits.max_bytes) {
    return InvalidArgument("%s has %d bytes; the limit is %d", what, text.size(), limits.max_bytes);
  }
  // The parser takes it for the end, and would leave out what comes behind.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return InvalidArgument("%s is not valid JSON at byte %d: it is NUL", what, nul + 1);
  }
  Builder builder(limits);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) return InvalidArgument("%s %s", what, builder.error());
  return builder.Take();
}

std::string JsonText(const nlohmann::ordered_json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace engine
