#include "cli/op_table.h"

#include "absl/strings/str_format.h"
#include "cli/csv_field.h"
#include "cli/json_output.h"

namespace engine {
namespace {

double GigaBytes(const OpResult& row) { return row.bytes_per_second() / 1e9; }
double GigaOperations(const OpResult& row) { return row.operations_per_second() / 1e9; }
// In GB/s or GOPS.
double Roof(const OpResult& row) { return (row.memory_bound ? row.memory_roof : row.compute_roof) / 1e9; }
std::string UnitOf(const OpResult& row) { return row.memory_bound ? "GB/s" : "GOPS"; }

void PrintMarkdown(const OpTable& table) {
  absl::PrintF("| op | format | shape | rows | kernel | us | GB/s | GOPS | roof | share |\n");
  absl::PrintF("|---|---|---|---:|---|---:|---:|---:|---:|---:|\n");
  for (const OpResult& row : table.rows) {
    absl::PrintF("| %s | %s | %s | %d | %s | %.1f | %.1f | %.1f | %.1f %s | %.0f %% |\n", row.op, row.format, row.shape,
                 row.rows, row.entry, row.seconds * 1e6, GigaBytes(row), GigaOperations(row), Roof(row), UnitOf(row),
                 100 * row.share);
  }
}

void PrintCsv(const OpTable& table) {
  absl::PrintF("device,isa,threads,op,format,shape,rows,kernel,us,gb_per_second,gops,roof,unit,share\n");
  for (const OpResult& row : table.rows) {
    absl::PrintF("%s,%s,%d,%s,%s,%s,%d,%s,%.2f,%.3f,%.3f,%.3f,%s,%.4f\n", table.device, table.isa, table.threads,
                 row.op, row.format, CsvField(row.shape), row.rows, row.entry, row.seconds * 1e6, GigaBytes(row),
                 GigaOperations(row), Roof(row), UnitOf(row), row.share);
  }
}

nlohmann::ordered_json ToJson(const OpTable& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpResult& row : table.rows) {
    rows.push_back({{"op", row.op},
                    {"format", row.format},
                    {"shape", row.shape},
                    {"rows", row.rows},
                    {"kernel", row.entry},
                    {"us", row.seconds * 1e6},
                    {"bytes", row.work.bytes},
                    {"operations", row.work.operations},
                    {"gb_per_second", GigaBytes(row)},
                    {"gops", GigaOperations(row)},
                    {"memory_roof", row.memory_roof / 1e9},
                    {"compute_roof", row.compute_roof / 1e9},
                    {"roof", Roof(row)},
                    {"unit", UnitOf(row)},
                    {"share", row.share}});
  }
  return {{"device", table.device}, {"isa", table.isa}, {"threads", table.threads}, {"rows", std::move(rows)}};
}

}  // namespace

void PrintOps(const OpTable& table, const std::string& format) {
  TableFormats<OpTable>{.markdown = PrintMarkdown, .csv = PrintCsv, .json = ToJson}.Print(table, format);
}

}  // namespace engine
