#include "text/output_parser/parameter_types.h"

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

struct Kinds {
  bool string = false, null = false, other = false;
};

void AddValue(const Json& value, Kinds& kinds) {
  kinds.string |= value.is_string();
  kinds.null |= value.is_null();
  kinds.other |= !value.is_string() && !value.is_null();
}

void AddType(const Json& type, Kinds& kinds) {
  if (!type.is_string()) return;
  kinds.string |= type == "string";
  kinds.null |= type == "null";
  kinds.other |= type != "string" && type != "null";
}

// Of a schema, alternatives one level down included; a schema that says it in another way is unknown.
void AddSchema(const Json& schema, Kinds& kinds, bool alternatives = true) {
  if (!schema.is_object()) return;
  for (const auto& [key, value] : schema.items()) {
    if (key == "type" && value.is_array()) {
      for (const Json& type : value) AddType(type, kinds);
    } else if (key == "type") {
      AddType(value, kinds);
    } else if (key == "enum" && value.is_array() && !schema.contains("type")) {
      for (const Json& one : value) AddValue(one, kinds);
    } else if (key == "const" && !schema.contains("type")) {
      AddValue(value, kinds);
    } else if ((key == "anyOf" || key == "oneOf") && value.is_array() && alternatives) {
      for (const Json& one : value) AddSchema(one, kinds, false);
    }
  }
}

ParameterType TypeOf(const Json& schema) {
  Kinds kinds;
  AddSchema(schema, kinds);
  if (kinds.string) return kinds.null ? ParameterType::kStringOrNull : ParameterType::kString;
  return kinds.null || kinds.other ? ParameterType::kOther : ParameterType::kUnknown;
}

}  // namespace

ParameterTypes::ParameterTypes(std::span<const ToolFunction> functions) {
  for (const ToolFunction& function : functions) {
    Parameters& parameters = functions_[function.name];
    const Json schema = Json::parse(function.parameters, nullptr, /*allow_exceptions=*/false);
    if (!schema.is_object() || !schema.contains("properties") || !schema["properties"].is_object()) continue;
    for (const auto& [name, property] : schema["properties"].items()) parameters[name] = TypeOf(property);
  }
}

ParameterType ParameterTypes::Of(std::string_view function, std::string_view parameter) const {
  const auto parameters = functions_.find(function);
  if (parameters == functions_.end()) return ParameterType::kUnknown;
  const auto type = parameters->second.find(parameter);
  return type == parameters->second.end() ? ParameterType::kUnknown : type->second;
}

}  // namespace engine
