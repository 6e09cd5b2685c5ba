#include "cli/load_report.h"

#include <cmath>
#include <ctime>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kWidth = 50;

std::string Title(const std::string& metric) {
  if (metric == "ttft") return "Time to First Token";
  if (metric == "tpot") return "Time per Output Token (excl. 1st token)";
  if (metric == "itl") return "Inter-token Latency";
  return "End-to-end Latency";
}

void PrintRule(const std::string& text, char fill) {
  const int blank = kWidth - static_cast<int>(text.size());
  absl::PrintF("%s%s%s\n", std::string(blank / 2, fill), text, std::string(blank - blank / 2, fill));
}

void PrintCount(const std::string& name, int64_t value) { absl::PrintF("%-40s %-10d\n", name + ":", value); }
void PrintNumber(const std::string& name, double value) { absl::PrintF("%-40s %-10.2f\n", name + ":", value); }

// "99", "99.9".
std::string Number(double value) { return absl::StrFormat("%g", value); }

// Infinity is no number in JSON; vLLM writes it as text.
Json RateJson(double rate) { return std::isinf(rate) ? Json("inf") : Json(rate); }

std::string Date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return absl::StrFormat("%04d%02d%02d-%02d%02d%02d", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                         utc.tm_min, utc.tm_sec);
}

void AddRecords(std::span<const LoadRecord> records, Json& json) {
  for (const char* name : {"input_lens", "output_lens", "start_times", "ttfts", "itls", "errors"})
    json[name] = Json::array();
  for (const LoadRecord& record : records) {
    json["input_lens"].push_back(record.prompt_tokens);
    json["output_lens"].push_back(record.output_tokens);
    json["start_times"].push_back(
        Seconds(TimePoint(), record.sent));  // of a clock that all programs of a machine share
    json["ttfts"].push_back(record.pieces.empty() ? 0 : Seconds(record.sent, record.pieces.front()));
    Json gaps = Json::array();
    for (size_t i = 1; i < record.pieces.size(); ++i) gaps.push_back(Seconds(record.pieces[i - 1], record.pieces[i]));
    json["itls"].push_back(std::move(gaps));
    json["errors"].push_back(record.error);
  }
}

}  // namespace

void PrintLoad(const LoadReport& report, const LoadSummary& summary) {
  PrintRule(" Serving Benchmark Result ", '=');
  PrintCount("Successful requests", summary.completed);
  PrintCount("Failed requests", summary.failed);
  if (report.pacing.max_concurrency > 0) PrintCount("Maximum request concurrency", report.pacing.max_concurrency);
  if (!std::isinf(report.pacing.requests_per_second)) {
    PrintNumber("Request rate configured (RPS)", report.pacing.requests_per_second);
  }
  PrintNumber("Benchmark duration (s)", summary.seconds);
  PrintCount("Total input tokens", summary.prompt_tokens);
  PrintCount("Total generated tokens", summary.output_tokens);
  PrintNumber("Request throughput (req/s)", summary.PerSecond(summary.completed));
  if (!report.goodput.empty()) PrintNumber("Request goodput (req/s)", summary.PerSecond(summary.good));
  PrintNumber("Output token throughput (tok/s)", summary.PerSecond(summary.output_tokens));
  PrintNumber("Peak output token throughput (tok/s)", summary.peak_tokens_per_second);
  PrintNumber("Peak concurrent requests", static_cast<double>(summary.peak_concurrency));
  PrintNumber("Total token throughput (tok/s)", summary.PerSecond(summary.prompt_tokens + summary.output_tokens));
  for (const std::string& metric : report.metrics) {
    const Latencies& latencies = summary.Of(metric);
    const std::string name = absl::AsciiStrToUpper(metric);
    PrintRule(Title(metric), '-');
    PrintNumber("Mean " + name + " (ms)", latencies.mean());
    PrintNumber("Median " + name + " (ms)", latencies.median());
    for (const float percent : report.percentiles) {
      PrintNumber("P" + Number(percent) + " " + name + " (ms)", latencies.percentile(percent));
    }
  }
  PrintRule("", '=');
  if (summary.failed > 0) absl::PrintF("First error: %s\n", summary.first_error);
}

Json ToJson(const LoadReport& report, const LoadSummary& summary, std::span<const LoadRecord> records) {
  Json json = {
      {"date", Date()},
      {"backend", "openai"},
      {"model_id", report.model},
      {"num_prompts", summary.completed + summary.failed},
      {"request_rate", RateJson(report.pacing.requests_per_second)},
      {"burstiness", report.pacing.burstiness},
      {"max_concurrency", report.pacing.max_concurrency > 0 ? Json(report.pacing.max_concurrency) : Json(nullptr)},
      {"seed", report.pacing.seed},
      {"duration", summary.seconds},
      {"completed", summary.completed},
      {"failed", summary.failed},
      {"first_error", summary.first_error},
      {"total_input_tokens", summary.prompt_tokens},
      {"total_output_tokens", summary.output_tokens},
      {"request_throughput", summary.PerSecond(summary.completed)},
      {"request_goodput", report.goodput.empty() ? Json(nullptr) : Json(summary.PerSecond(summary.good))},
      {"output_throughput", summary.PerSecond(summary.output_tokens)},
      {"total_token_throughput", summary.PerSecond(summary.prompt_tokens + summary.output_tokens)},
      {"max_output_tokens_per_s", summary.peak_tokens_per_second},
      {"max_concurrent_requests", summary.peak_concurrency}};
  for (const std::string metric : {"ttft", "tpot", "itl", "e2el"}) {
    const Latencies& latencies = summary.Of(metric);
    json["mean_" + metric + "_ms"] = latencies.mean();
    json["median_" + metric + "_ms"] = latencies.median();
    json["std_" + metric + "_ms"] = latencies.deviation();
    for (const float percent : report.percentiles) {
      json["p" + Number(percent) + "_" + metric + "_ms"] = latencies.percentile(percent);
    }
  }
  if (!records.empty()) AddRecords(records, json);
  return json;
}

}  // namespace engine
