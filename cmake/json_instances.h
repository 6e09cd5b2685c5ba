// Not for sources to include: the precompiled headers read it, so that what most sources do with JSON is instantiated
// there once, and not in each of them (a sixth of the time of a cold build).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace engine {

template <typename Json>
void InstantiateJson(Json& json, std::string& text, std::string_view view) {
  for (const auto& parsed : {Json::parse(view, nullptr, false), Json::parse(text), Json::parse("{}")})
    json.push_back(parsed);
  json = {{"list", {1, 2.0, "text", true, nullptr, text, view, int64_t{1}, uint64_t{1}, 1.0F}}};
  json[text] = json["list"] == json[0];
  json["list"] = Json::array({json.at("list").template get<int64_t>(), json.at(text).template get<int>(), json.dump()});
  json["list"] = json.at("list").template get<float>() + json.at("list").template get<double>();
  json["list"] = json.at("list").template get<bool>() || json == "text" || json == 1;
  json.push_back(json.at("list").template get<std::string>() + json.value("list", ""));
  json = json.template get<std::vector<std::string>>();
  json = Json::object({{"list", std::vector<Json>{json}}});
  for (const auto& [name, value] : json.items()) text += name + value.dump();
  for (const auto& value : json) text += value.template get_ref<const std::string&>();
  if (json.contains("list") && json.find("list") != json.end()) json.erase("list");
}

inline void InstantiateBothJsons(nlohmann::ordered_json& ordered, nlohmann::json& sorted, std::string& text) {
  InstantiateJson(ordered, text, text);
  InstantiateJson(sorted, text, text);
}

}  // namespace engine
