#include "cli/speed_table.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "cli/json_output.h"

namespace engine {
namespace {

// Decode is held against memory, prompts against dot products.
std::string UnitOf(const SpeedTest& test) { return test.prompt_tokens > 0 ? "TOPS" : "GB/s"; }
double InUnit(const SpeedTest& test, double per_second) { return per_second / (test.prompt_tokens > 0 ? 1e12 : 1e9); }

void PrintMarkdown(const SpeedTable& table) {
  absl::PrintF("| model | size | backend | threads | test | t/s | achieved | roof | share |\n");
  absl::PrintF("|---|---:|---|---:|---|---:|---:|---:|---:|\n");
  for (const SpeedResult& row : table.rows) {
    const std::string unit = UnitOf(row.test);
    absl::PrintF("| %s %s | %.1f MB | %s %s | %d | %s | %.2f ± %.2f | %.3f %s |", table.model, table.weight_format,
                 static_cast<double>(table.weight_bytes) / 1e6, table.device, table.isa, row.threads, row.test.name(),
                 row.tokens_per_second, row.deviation, InUnit(row.test, row.achieved), unit);
    if (row.roof > 0) {
      absl::PrintF(" %.3f %s | %.0f %% |\n", InUnit(row.test, row.roof), unit, 100 * row.share);
    } else {
      absl::PrintF(" not probed | |\n");
    }
  }
}

// A field of a CSV file.
std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

void PrintCsv(const SpeedTable& table) {
  absl::PrintF(
      "model,format,weight_bytes,device,isa,threads,test,tokens_per_second,deviation,achieved,roof,unit,share\n");
  for (const SpeedResult& row : table.rows) {
    absl::PrintF("%s,%s,%d,%s,%s,%d,%s,%.3f,%.3f,%.4f,%.4f,%s,%.4f\n", Quoted(table.model), table.weight_format,
                 table.weight_bytes, table.device, table.isa, row.threads, row.test.name(), row.tokens_per_second,
                 row.deviation, InUnit(row.test, row.achieved), InUnit(row.test, row.roof), UnitOf(row.test),
                 row.share);
  }
}

nlohmann::ordered_json ToJson(const SpeedTable& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const SpeedResult& row : table.rows) {
    rows.push_back({{"test", row.test.name()},
                    {"prompt_tokens", row.test.prompt_tokens},
                    {"generated_tokens", row.test.generated_tokens},
                    {"batch", row.test.batch},
                    {"depth", row.test.depth},
                    {"threads", row.threads},
                    {"tokens_per_second", row.tokens_per_second},
                    {"deviation", row.deviation},
                    {"achieved", InUnit(row.test, row.achieved)},
                    {"roof", InUnit(row.test, row.roof)},
                    {"unit", UnitOf(row.test)},
                    {"share", row.share}});
  }
  return {{"model", table.model},
          {"weight_format", table.weight_format},
          {"weight_bytes", table.weight_bytes},
          {"device", table.device},
          {"isa", table.isa},
          {"seed", table.seed},
          {"rows", std::move(rows)}};
}

}  // namespace

void PrintSpeed(const SpeedTable& table, const std::string& format) {
  if (format == "json") {
    PrintJson(ToJson(table));
  } else if (format == "csv") {
    PrintCsv(table);
  } else {
    PrintMarkdown(table);
  }
}

}  // namespace engine
