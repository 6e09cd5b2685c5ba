#include "benchmarks/serve/load_summary.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "benchmarks/statistics.h"

namespace engine {
namespace {

double Milliseconds(TimePoint from, TimePoint to) { return 1000 * Seconds(from, to); }

// Those of one request.
struct RequestLatency {
  double ttft = 0, tpot = 0, e2el = 0;

  // Without a text nothing is seen before the end.
  explicit RequestLatency(const LoadRecord& record)
      : ttft(Milliseconds(record.sent, record.pieces.empty() ? record.ended : record.pieces.front())),
        e2el(Milliseconds(record.sent, record.ended)) {
    if (record.output_tokens > 1) tpot = (e2el - ttft) / static_cast<double>(record.output_tokens - 1);
  }

  bool IsGood(const Goodput& goodput) const {
    return std::ranges::all_of(goodput, [this](const auto& limit) {
      return (limit.first == "ttft" ? ttft : limit.first == "tpot" ? tpot : e2el) <= limit.second;
    });
  }
};

// The most intervals that hold one moment. One that ends as another begins does not count beside it.
int64_t PeakConcurrency(std::span<const LoadRecord> records) {
  std::vector<std::pair<TimePoint, int>> changes;
  for (const LoadRecord& record : records) {
    changes.emplace_back(record.sent, 1);
    changes.emplace_back(record.ended, -1);
  }
  std::ranges::sort(changes);
  int64_t now = 0, peak = 0;
  for (const auto& [time, change] : changes) peak = std::max(peak, now += change);
  return peak;
}

// Tokens are counted where their text came, an answer's tokens being spread evenly over its pieces.
double PeakTokensPerSecond(std::span<const LoadRecord> records, TimePoint start, double seconds) {
  std::vector<double> tokens(static_cast<size_t>(seconds) + 1, 0.0);
  for (const LoadRecord& record : records) {
    if (record.pieces.empty()) continue;
    const double each = static_cast<double>(record.output_tokens) / static_cast<double>(record.pieces.size());
    for (const TimePoint piece : record.pieces) tokens[static_cast<size_t>(Seconds(start, piece))] += each;
  }
  return std::ranges::max(tokens);
}

void Add(const LoadRecord& record, const Goodput& goodput, LoadSummary& summary) {
  ++summary.completed;
  summary.prompt_tokens += record.prompt_tokens;
  summary.output_tokens += record.output_tokens;
  const RequestLatency latency(record);
  if (latency.IsGood(goodput)) ++summary.good;
  const bool has_text = !record.pieces.empty();
  if (has_text) summary.ttft.values.push_back(latency.ttft);
  if (has_text && record.output_tokens > 1) summary.tpot.values.push_back(latency.tpot);
  summary.e2el.values.push_back(latency.e2el);
  for (size_t i = 1; i < record.pieces.size(); ++i) {
    summary.itl.values.push_back(Milliseconds(record.pieces[i - 1], record.pieces[i]));
  }
}

}  // namespace

double Latencies::mean() const { return values.empty() ? 0 : Mean(values); }
double Latencies::median() const { return percentile(50); }
// Of the values as they are, as vLLM reports it (numpy's std).
double Latencies::deviation() const {
  const auto count = static_cast<double>(values.size());
  return count < 2 ? 0 : Deviation(values) * std::sqrt((count - 1) / count);
}
double Latencies::percentile(double percent) const { return values.empty() ? 0 : Percentile(values, percent); }

const Latencies& LoadSummary::Of(const std::string& metric) const {
  return metric == "ttft" ? ttft : metric == "tpot" ? tpot : metric == "itl" ? itl : e2el;
}

LoadSummary Summarize(std::span<const LoadRecord> records, const Goodput& goodput) {
  LoadSummary summary;
  if (records.empty()) return summary;
  const TimePoint start = std::ranges::min_element(records, {}, &LoadRecord::sent)->sent;
  summary.seconds = Seconds(start, std::ranges::max_element(records, {}, &LoadRecord::ended)->ended);
  for (const LoadRecord& record : records) {
    if (record.error.empty()) {
      Add(record, goodput, summary);
      continue;
    }
    if (summary.failed++ == 0) summary.first_error = record.error;
  }
  summary.peak_concurrency = PeakConcurrency(records);
  summary.peak_tokens_per_second = PeakTokensPerSecond(records, start, summary.seconds);
  return summary;
}

}  // namespace engine
