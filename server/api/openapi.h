// /openapi.json, made of the same tables that read requests, so that it cannot say anything else.
#pragma once

#include <string>
#include <vector>

#include "server/api/fields.h"
#include "server/http/handler.h"

namespace engine {

// A route with what its documentation needs.
struct Endpoint {
  Route route;
  std::string summary;
  std::string answer;                      // the name of its schema (answer_schemas.h)
  bool streams = false;                    // or server-sent events, where the request asks for them
  Json properties = nullptr;               // of the body, by name; null: the request has no body
  std::vector<std::string> required = {};  // of the properties
};

Json OpenApi(const std::vector<Endpoint>& endpoints, const std::string& version);

// The schema of one field. A field that asks for nothing new says so, and what it may be: `neutral`, or anything ("*").
Json PropertySchema(std::string_view type, std::string_view help, bool has_effect, std::string_view neutral);

template <typename T>
void AddProperties(std::span<const Field<T>> table, Json& properties) {
  for (const Field<T>& field : table) {
    const bool has_effect = field.read != nullptr;
    if (!has_effect && field.neutral.empty()) continue;  // refused
    Json& schema = properties[std::string(field.name)];
    schema = field.shape != nullptr ? field.shape() : Json::object();
    schema.update(PropertySchema(field.type, field.help, has_effect, field.neutral));
  }
}

// Of an object with these properties and no others. Of fields that must be there null is no value; any other may be
// null, which stands for a field that is not there.
Json ObjectSchema(Json properties, const std::vector<std::string>& required = {});

template <typename T, size_t kSize>
Json ObjectSchema(const Field<T> (&table)[kSize], const std::vector<std::string>& required = {}) {
  Json properties = Json::object();
  AddProperties(std::span<const Field<T>>(table), properties);
  return ObjectSchema(std::move(properties), required);
}

// Of an object whose `type` says which fields it has. `type` may be left out where the object needs none.
template <typename T, size_t kSize>
Json TypedSchema(const char* type, const Field<T> (&table)[kSize], std::vector<std::string> required,
                 bool needs_type = true) {
  Json properties = {{"type", Json::object()}};
  AddProperties(std::span<const Field<T>>(table), properties);
  properties["type"] = {{"enum", Json::array({type})}};
  if (needs_type) required.push_back("type");
  return ObjectSchema(std::move(properties), required);
}

}  // namespace engine
