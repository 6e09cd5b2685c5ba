#include "cli/speed_table.h"

#include <cstdio>

#include "absl/strings/str_format.h"
#include "cli/csv_field.h"
#include "cli/json_output.h"

namespace engine {
namespace {

constexpr double kMilliseconds = 1e3;

void PrintFirstToken(const FirstTokenResult& result) {
  absl::PrintF("\n| first token of %d | first request | sixth to tenth | first / later | step alone | later / step |\n",
               result.prompt_tokens);
  absl::PrintF("|---|---:|---:|---:|---:|---:|\n");
  absl::PrintF("| ms | %.2f | %.2f | %.3f | %.2f | %.3f |\n", result.first * kMilliseconds,
               result.later * kMilliseconds, result.first_over_later, result.step * kMilliseconds,
               result.later_over_step);
}

nlohmann::ordered_json ToJson(const FirstTokenResult& result) {
  return {{"prompt_tokens", result.prompt_tokens},       {"first_ms", result.first * kMilliseconds},
          {"later_ms", result.later * kMilliseconds},    {"step_ms", result.step * kMilliseconds},
          {"first_over_later", result.first_over_later}, {"later_over_step", result.later_over_step}};
}

// Decode is held against memory, prompts against dot products.
std::string UnitOf(const SpeedTest& test) { return test.reads_prompts() ? "TOPS" : "GB/s"; }
double InUnit(const SpeedTest& test, double per_second) { return per_second / (test.reads_prompts() ? 1e12 : 1e9); }
double Achieved(const SpeedResult& row) {
  return InUnit(row.test, row.test.reads_prompts() ? row.operations_per_second : row.bytes_per_second);
}

// "tg128 b8", and with several levels of numerics "tg128 b8 fast x1.03": so much faster than the first.
std::string RowName(const SpeedTable& table, const SpeedResult& row) {
  if (!table.compares_numerics) return row.test.name();
  return absl::StrFormat("%s %s x%.3f", row.test.name(), Name(row.numerics), row.speed_ratio);
}

void PrintRows(const SpeedTable& table) {
  absl::PrintF("| model | size | backend | threads | test | t/s | GB/s | TOPS | roof | share | of least time |\n");
  absl::PrintF("|---|---:|---|---:|---|---:|---:|---:|---:|---:|---:|\n");
  for (const SpeedResult& row : table.rows) {
    absl::PrintF("| %s %s | %.1f MB | %s %s | %d | %s | %.2f ± %.2f | %.2f | %.3f |", table.model, table.weight_format,
                 static_cast<double>(row.weight_bytes) / 1e6, row.device, row.isa, row.threads, RowName(table, row),
                 row.tokens_per_second, row.deviation, row.bytes_per_second / 1e9, row.operations_per_second / 1e12);
    if (row.roof > 0) {
      absl::PrintF(" %.3f %s | %.0f %% | %.0f %% |\n", InUnit(row.test, row.roof), UnitOf(row.test), 100 * row.share,
                   100 * row.time_share);
    } else {
      absl::PrintF(" not probed | | |\n");
    }
  }
  for (const auto& [device, reason] : table.missing) {
    absl::PrintF("| %s | | %s | | | | | | | | %s |\n", table.model, device, reason);
  }
}

void PrintMarkdown(const SpeedTable& table) {
  if (!table.rows.empty() || !table.missing.empty()) PrintRows(table);
  if (table.first_token) PrintFirstToken(*table.first_token);
}

void PrintCsv(const SpeedTable& table) {
  absl::PrintF(
      "model,format,weight_bytes,device,isa,threads,test,tokens_per_second,deviation,achieved,roof,unit,share,"
      "gb_per_second,tops,time_share,numerics,speed_ratio,missing\n");
  for (const SpeedResult& row : table.rows) {
    absl::PrintF("%s,%s,%d,%s,%s,%d,%s,%.3f,%.3f,%.4f,%.4f,%s,%.4f,%.3f,%.4f,%.4f,%s,%.4f,\n", CsvField(table.model),
                 table.weight_format, row.weight_bytes, row.device, row.isa, row.threads, row.test.name(),
                 row.tokens_per_second, row.deviation, Achieved(row), InUnit(row.test, row.roof), UnitOf(row.test),
                 row.share, row.bytes_per_second / 1e9, row.operations_per_second / 1e12, row.time_share,
                 Name(row.numerics), row.speed_ratio);
  }
  for (const auto& [device, reason] : table.missing) {
    absl::PrintF("%s,,,%s,,,,,,,,,,,,,,,%s\n", CsvField(table.model), device, CsvField(reason));
  }
}

nlohmann::ordered_json ToJson(const SpeedTable& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const SpeedResult& row : table.rows) {
    rows.push_back({{"test", row.test.name()},
                    {"device", row.device},
                    {"isa", row.isa},
                    {"weight_bytes", row.weight_bytes},
                    {"prompt_tokens", row.test.prompt_tokens},
                    {"generated_tokens", row.test.generated_tokens},
                    {"batch", row.test.batch},
                    {"depth", row.test.depth},
                    {"threads", row.threads},
                    {"numerics", Name(row.numerics)},
                    {"tokens_per_second", row.tokens_per_second},
                    {"deviation", row.deviation},
                    {"gb_per_second", row.bytes_per_second / 1e9},
                    {"tops", row.operations_per_second / 1e12},
                    {"achieved", Achieved(row)},
                    {"roof", InUnit(row.test, row.roof)},
                    {"unit", UnitOf(row.test)},
                    {"share", row.share},
                    {"time_share", row.time_share},
                    {"speed_ratio", row.speed_ratio}});
  }
  nlohmann::ordered_json document = {
      {"model", table.model}, {"weight_format", table.weight_format}, {"seed", table.seed}, {"rows", std::move(rows)}};
  for (const auto& [device, reason] : table.missing) {
    document["missing"].push_back({{"device", device}, {"reason", reason}});
  }
  if (table.first_token) document["first_token"] = ToJson(*table.first_token);
  return document;
}

}  // namespace

void PrintSpeed(const SpeedTable& table, const std::string& format) {
  TableFormats<SpeedTable>{.markdown = PrintMarkdown, .csv = PrintCsv, .json = ToJson}.Print(table, format);
}

}  // namespace engine
