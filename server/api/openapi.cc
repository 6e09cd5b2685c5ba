#include "server/api/openapi.h"

#include <algorithm>
#include <cctype>

namespace engine {
namespace {

Json ErrorResponse(const char* description) {
  return {{"description", description},
          {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
}

Json ErrorSchema() {
  const Json text = {{"type", "string"}};
  const Json maybe_text = {{"type", {"string", "null"}}};
  return {{"type", "object"},
          {"required", {"error"}},
          {"properties",
           {{"error",
             {{"type", "object"},
              {"required", {"message"}},
              {"properties", {{"message", text}, {"type", text}, {"param", maybe_text}, {"code", maybe_text}}}}}}}};
}

Json Operation(const Endpoint& endpoint) {
  Json operation = {{"summary", endpoint.summary}};
  if (!endpoint.properties.is_null()) {
    Json schema = {{"type", "object"}, {"properties", endpoint.properties}, {"additionalProperties", false}};
    if (!endpoint.required.empty()) schema["required"] = endpoint.required;
    operation["requestBody"] = {{"required", true}, {"content", {{"application/json", {{"schema", schema}}}}}};
  }
  operation["responses"] = {{"200", {{"description", "the answer"}}}};
  if (endpoint.properties.is_null()) return operation;
  operation["responses"]["400"] = ErrorResponse("the request cannot be run as it is");
  operation["responses"]["404"] = ErrorResponse("there is no such model");
  operation["responses"]["429"] = ErrorResponse("too many requests wait");
  operation["responses"]["503"] = ErrorResponse("the server is starting or shutting down");
  return operation;
}

}  // namespace

Json PropertySchema(std::string_view type, std::string_view help, bool has_effect) {
  Json schema = Json::object();
  Json types = Json::array();
  while (!type.empty()) {
    const size_t end = std::min(type.find('|'), type.size());
    types.push_back(std::string(type.substr(0, end)));
    type.remove_prefix(std::min(end + 1, type.size()));
  }
  if (!types.empty()) {
    types.push_back("null");
    schema["type"] = std::move(types);
  }
  schema["description"] =
      has_effect ? std::string(help) : "no effect" + std::string(help.empty() ? "" : ": ") + std::string(help);
  return schema;
}

Json OpenApi(const std::vector<Endpoint>& endpoints, const std::string& version) {
  Json paths = Json::object();
  for (const Endpoint& endpoint : endpoints) {
    std::string path = endpoint.route.path;
    std::string method = endpoint.route.method;
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::tolower(c); });
    Json operation = Operation(endpoint);
    if (path.ends_with("/*")) {
      path.replace(path.size() - 1, 1, "{name}");
      operation["parameters"] =
          Json::array({{{"name", "name"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}}});
    }
    paths[path][method] = std::move(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info", {{"title", "engine"}, {"version", version}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", {{"Error", ErrorSchema()}}}}}};
}

}  // namespace engine
