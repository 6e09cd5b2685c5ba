#include <cmath>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "benchmarks/serve/engine_target.h"
#include "benchmarks/serve/load_plot.h"
#include "cli/json_output.h"
#include "cli/serve_bench_flags.h"
#include "cli/verbs.h"
#include "core/base/files.h"

namespace engine {
namespace {

// One rate and concurrency of a sweep, measured.
struct LoadRun {
  LoadReport report;
  std::vector<LoadRecord> records;
  LoadSummary summary;
};

// What answers, and what it is made of.
struct Target {
  std::unique_ptr<Engine> engine;  // of a load in this process
  std::unique_ptr<LoadTarget> load;
  std::string model;
};

absl::StatusOr<Target> OpenTarget(const ServeBenchFlags& bench) {
  Target target;
  if (bench.in_process.model.empty()) {
    ASSIGN_OR_RETURN(std::unique_ptr<HttpTarget> server, HttpTarget::Create(bench.target));
    target.model = server->model();
    target.load = std::move(server);
    return target;
  }
  ASSIGN_OR_RETURN(target.engine, Engine::Create(bench.in_process));
  target.model = target.engine->model().path;
  target.load = std::make_unique<EngineTarget>(*target.engine, bench.target.ignore_eos);
  return target;
}

absl::StatusOr<LoadRun> Measure(const DatasetOptions& dataset, LoadTarget& target, const LoadReport& report) {
  ASSIGN_OR_RETURN(const std::vector<LoadRequest> requests, MakeDataset(dataset));
  LoadRun run{.report = report};
  run.records = RunLoad(target, requests, report.pacing);
  run.summary = Summarize(run.records, report.goodput);
  return run;
}

// With other prompts than those that count, which it would leave in a cache.
absl::Status WarmUp(const ServeBenchFlags& bench, LoadTarget& target) {
  if (bench.num_warmups == 0) return absl::OkStatus();
  DatasetOptions dataset = bench.dataset;
  dataset.num_prompts = bench.num_warmups;
  dataset.seed = ~bench.dataset.seed;
  ASSIGN_OR_RETURN(const LoadRun run,
                   Measure(dataset, target, {.pacing = {.max_concurrency = bench.concurrencies[0]}}));
  if (run.summary.failed > 0) return FailedPrecondition("warming up: %s", run.summary.first_error);
  return absl::OkStatus();
}

std::string PointName(const LoadPacing& pacing) {
  std::string name;
  if (!std::isinf(pacing.requests_per_second)) name = absl::StrFormat("%g requests/s", pacing.requests_per_second);
  if (pacing.max_concurrency > 0)
    name += absl::StrFormat("%s%d at once", name.empty() ? "" : ", ", pacing.max_concurrency);
  return name.empty() ? "all at once" : name;
}

std::string ResultPath(const ServeBenchFlags& bench, const LoadRun& run, const nlohmann::ordered_json& json) {
  std::string name = bench.result_filename;
  if (name.empty()) {
    const std::string model = std::filesystem::path(run.report.model).filename().string();
    name = absl::StrFormat("openai-%gqps-%s%s-%s.json", run.report.pacing.requests_per_second,
                           run.report.pacing.max_concurrency > 0
                               ? absl::StrFormat("concurrency%d-", run.report.pacing.max_concurrency)
                               : "",
                           model, json["date"].get<std::string>());
  }
  return (std::filesystem::path(bench.result_dir) / name).string();
}

// One document per run; a file that is named holds a list where there are several.
absl::Status Write(const ServeBenchFlags& bench, const std::vector<LoadRun>& runs) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const LoadRun& run : runs) {
    const std::span<const LoadRecord> records = run.records;
    all.push_back(ToJson(run.report, run.summary, bench.save_detailed ? records : records.first(0)));
  }
  const nlohmann::ordered_json& document = runs.size() == 1 ? all[0] : all;
  if (bench.output == "json") PrintJson(document);  // first: files may not be written
  for (size_t r = 0; r < runs.size() && bench.save_result && bench.result_filename.empty(); ++r) {
    RETURN_IF_ERROR(WriteFile(ResultPath(bench, runs[r], all[r]), JsonText(all[r], 1) + "\n"));
  }
  if (bench.save_result && !bench.result_filename.empty()) {
    RETURN_IF_ERROR(WriteFile(ResultPath(bench, runs[0], all[0]), JsonText(document, 1) + "\n"));
  }
  if (bench.plot.empty()) return absl::OkStatus();
  std::vector<LoadPoint> points;
  for (const LoadRun& run : runs) points.push_back({PointName(run.report.pacing), run.summary});
  return WriteFile(bench.plot, DrawLoadPlot(runs[0].report.model, std::move(points)));
}

absl::Status MeasureAll(const ServeBenchFlags& bench, const Target& target, std::vector<LoadRun>& runs) {
  RETURN_IF_ERROR(WarmUp(bench, *target.load));
  DatasetOptions dataset = bench.dataset;  // each run's own: a server keeps the prompts that it has seen
  dataset.first_entry = bench.num_warmups;
  for (const float rate : bench.request_rates) {
    for (const int concurrency : bench.concurrencies) {
      LoadReport report = bench.report;
      report.model = target.model;
      report.pacing = {.requests_per_second = rate,
                       .burstiness = bench.burstiness,
                       .max_concurrency = concurrency,
                       .seed = bench.dataset.seed};
      ASSIGN_OR_RETURN(runs.emplace_back(), Measure(dataset, *target.load, report));
      ++dataset.seed;
      dataset.first_entry += dataset.num_prompts;
      if (bench.output == "text") PrintLoad(report, runs.back().summary);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BenchServeVerb(Arguments arguments) {
  ServeBenchFlags bench;
  FlagSet flags(
      "engine bench serve",
      "Sends a load to any server that speaks OpenAI's API, and shows how long it takes to answer; flags and\n"
      "report are those of `vllm bench serve`.");
  AddServeBenchFlags(flags, bench);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(CompleteServeBenchFlags(bench));
  ASSIGN_OR_RETURN(const Target target, OpenTarget(bench));
  std::vector<LoadRun> runs;
  RETURN_IF_ERROR(MeasureAll(bench, target, runs));
  RETURN_IF_ERROR(Write(bench, runs));
  int64_t failed = 0;
  for (const LoadRun& run : runs) failed += run.summary.failed;
  if (failed == 0) return absl::OkStatus();
  return FailedPrecondition("%d requests failed", failed);
}

}  // namespace engine
