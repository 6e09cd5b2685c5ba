#include "server/api/openapi.h"

#include <algorithm>
#include <cctype>

#include "server/api/answer_schemas.h"

namespace engine {
namespace {

Json ErrorResponse(const char* description) {
  return {{"description", description},
          {"content", {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
}

Json Responses(const Endpoint& endpoint) {
  Json answer = {{"description", "the answer"}};
  answer["content"]["application/json"]["schema"]["$ref"] = "#/components/schemas/" + endpoint.answer;
  if (endpoint.streams) answer["content"]["text/event-stream"]["schema"]["$ref"] = "#/components/schemas/Event";
  Json responses = {{"200", std::move(answer)},
                    {"401", ErrorResponse("the server has keys, and the request none of them")},
                    {"404", ErrorResponse("there is no such model")},
                    {"503", ErrorResponse("the server is starting or shutting down")}};
  if (endpoint.properties.is_null()) return responses;
  responses["400"] = ErrorResponse("the request cannot be run as it is");
  responses["413"] = ErrorResponse("the body is too large");
  responses["429"] = ErrorResponse("too many requests wait");
  responses["500"] = ErrorResponse("the engine failed");
  responses["504"] = ErrorResponse("the request took longer than it may");
  return responses;
}

Json Operation(const Endpoint& endpoint) {
  Json operation = {{"summary", endpoint.summary}};
  if (!endpoint.properties.is_null()) {
    operation["requestBody"] = {
        {"required", true},
        {"content", {{"application/json", {{"schema", ObjectSchema(endpoint.properties, endpoint.required)}}}}}};
  }
  operation["responses"] = Responses(endpoint);
  return operation;
}

}  // namespace

Json PropertySchema(std::string_view type, std::string_view help, bool has_effect, std::string_view neutral) {
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
  if (!has_effect && neutral != "*") schema = {{"enum", Json::array({Json::parse(neutral), nullptr})}};
  schema["description"] =
      has_effect ? std::string(help) : "no effect" + std::string(help.empty() ? "" : ": ") + std::string(help);
  return schema;
}

Json ObjectSchema(Json properties, const std::vector<std::string>& required) {
  Json schema = {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", {{"type", "null"}}}};
  for (const std::string& name : required) {
    Json& property = schema["properties"][name];
    if (property.contains("type")) property["type"].erase(std::ranges::find(property["type"], Json("null")));
    schema["required"].push_back(name);
  }
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
          {"components", {{"schemas", AnswerSchemas()}}}};
}

}  // namespace engine
