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
    properties[std::string(field.name)] = PropertySchema(field.type, field.help, has_effect, field.neutral);
  }
}

}  // namespace engine
