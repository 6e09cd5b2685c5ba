#include "server/api/sent_names.h"

#include "core/base/field_error.h"

namespace engine {

// The longest part of the field's path that has another name.
std::string SentNames::PathOf(std::string_view field) const {
  size_t end = field.size();
  while (end > 0 && end != std::string_view::npos) {
    const auto found = paths_.find(field.substr(0, end));
    if (found != paths_.end()) return found->second + std::string(field.substr(end));
    end = field.find_last_of(".[", end - 1);
  }
  return std::string(field);
}

absl::Status SentNames::Translate(const absl::Status& error) const {
  const std::string field = FieldOf(error);
  const std::string path = PathOf(field);
  if (path == field) return error;
  std::string message(Message(error));
  if (message.starts_with(field)) message.replace(0, field.size(), path);
  absl::Status translated(error.code(), message);
  error.ForEachPayload([&](auto key, const absl::Cord& detail) { translated.SetPayload(key, detail); });
  return About(path, std::move(translated));
}

}  // namespace engine
