// Results for programs: one JSON document on stdout.
#pragma once

#include "cli/answer.h"
#include "core/base/json.h"

namespace engine {

// Bytes that are not UTF-8 become U+FFFD.
void PrintJson(const nlohmann::ordered_json& document);

nlohmann::ordered_json ToJson(const Answer& answer, const ModelInfo& model, double load_seconds);

// A table in the format that --output names, by the one of these that writes it.
template <typename Table>
struct TableFormats {
  void (*markdown)(const Table& table);
  void (*csv)(const Table& table);
  nlohmann::ordered_json (*json)(const Table& table);

  void Print(const Table& table, const std::string& format) const {
    if (format == "json") return PrintJson(json(table));
    if (format == "csv") return csv(table);
    markdown(table);
  }
};

}  // namespace engine
