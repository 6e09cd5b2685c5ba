#include "models/config_reader.h"

#include <cmath>
#include <limits>

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

const Json& EmptyObject() {
  static const Json kEmpty = Json::object();
  return kEmpty;
}

std::string Shown(const Json& value) {
  constexpr size_t kMaxShown = 80;
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kMaxShown ? text : text.substr(0, kMaxShown) + "...";
}

}  // namespace

const Json* ConfigReader::Find(std::string_view key) const {
  if (!config_.is_object()) return nullptr;
  const auto found = config_.find(std::string(key));
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::Has(std::string_view key) const { return Find(key) != nullptr; }

void ConfigReader::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
}

int ConfigReader::Size(std::string_view key) {
  if (!Has(key)) Fail(InvalidArgument("%s: %s is missing", what_, key));
  return SizeOr(key, 1);
}

int ConfigReader::WholeOr(std::string_view key, int least, int otherwise) {
  const Json* value = Find(key);
  if (value == nullptr) return otherwise;
  const bool in_range = value->is_number() && value->get<double>() >= least &&
                        value->get<double>() <= std::numeric_limits<int>::max() &&
                        value->get<double>() == std::floor(value->get<double>());
  if (in_range) return static_cast<int>(value->get<double>());
  Fail(InvalidArgument("%s: %s is %s; it must be a whole number from %d to 2147483647", what_, key, Shown(*value),
                       least));
  return 1;
}

double ConfigReader::Number(std::string_view key) {
  if (!Has(key)) Fail(InvalidArgument("%s: %s is missing", what_, key));
  return NumberOr(key, 0);
}

double ConfigReader::NumberOr(std::string_view key, double otherwise) {
  const Json* value = Find(key);
  if (value == nullptr) return otherwise;
  if (value->is_number() && std::isfinite(value->get<double>())) return value->get<double>();
  Fail(InvalidArgument("%s: %s is %s; it must be a finite number", what_, key, Shown(*value)));
  return otherwise;
}

bool ConfigReader::FlagOr(std::string_view key, bool otherwise) {
  const Json* value = Find(key);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  Fail(InvalidArgument("%s: %s is %s; it must be true or false", what_, key, Shown(*value)));
  return otherwise;
}

std::string ConfigReader::TextOr(std::string_view key, std::string_view otherwise) {
  const Json* value = Find(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return value->get<std::string>();
  Fail(InvalidArgument("%s: %s is %s; it must be a string", what_, key, Shown(*value)));
  return std::string(otherwise);
}

const Json& ConfigReader::Object(std::string_view key) {
  const Json* value = Find(key);
  if (value == nullptr) return EmptyObject();
  if (value->is_object()) return *value;
  Fail(InvalidArgument("%s: %s is %s; it must be an object", what_, key, Shown(*value)));
  return EmptyObject();
}

}  // namespace engine
