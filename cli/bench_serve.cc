#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "benchmarks/serve/dataset.h"
#include "benchmarks/serve/engine_target.h"
#include "benchmarks/serve/http_target.h"
#include "benchmarks/serve/load_plot.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/load_report.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "cli/write_file.h"

namespace engine {
namespace {

struct ServeBenchFlags {
  HttpTargetOptions target;
  std::string host = "127.0.0.1";
  int port = 8000;
  bool insecure = false;
  std::string backend;
  EngineOptions in_process;  // model: empty unless asked for
  DatasetOptions dataset;
  std::vector<float> request_rates = {std::numeric_limits<float>::infinity()};
  std::vector<int> concurrencies = {0};
  float burstiness = 1;
  int num_warmups = 0;
  LoadReport report{.metrics = {"ttft", "tpot", "itl"}};
  bool save_result = false;
  bool save_detailed = false;
  std::string result_dir;
  std::string result_filename;
  std::string output = "text";
  std::string plot;
};

// One rate and concurrency of a sweep, measured.
struct LoadRun {
  LoadReport report;
  std::vector<LoadRecord> records;
  LoadSummary summary;
};

absl::Status ReadMetrics(const std::string& text, std::vector<std::string>& metrics) {
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(text, ','))) {
    if (name != "ttft" && name != "tpot" && name != "itl" && name != "e2el") {
      return InvalidArgument("has %s; it may have ttft, tpot, itl and e2el", name);
    }
    metrics.push_back(name);
  }
  return absl::OkStatus();
}

absl::Status ReadGoodput(const std::string& text, Goodput& goodput) {
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, absl::ByAnyChar(" ,")))) {
    const size_t colon = part.find(':');
    const std::string metric = part.substr(0, colon);
    float milliseconds = 0;
    const bool is_known = metric == "ttft" || metric == "tpot" || metric == "e2el";
    if (!is_known || colon == std::string::npos || !ReadValue(part.substr(colon + 1), milliseconds).ok() ||
        !(milliseconds >= 0)) {
      return InvalidArgument("has %s; give ttft, tpot or e2el, a colon and milliseconds, as in ttft:200", part);
    }
    goodput[metric] = milliseconds;
  }
  return absl::OkStatus();
}

absl::Status ReadRates(const std::string& text, std::vector<float>& rates) {
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    float& rate = rates.emplace_back(std::numeric_limits<float>::infinity());
    if (part == "inf") continue;
    if (!ReadValue(part, rate).ok() || !(rate > 0)) {
      return InvalidArgument("has %s; give requests per second above 0, or inf", part);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadRatio(const std::string& text, double& ratio) {
  float value = -1;
  if (!ReadValue(text, value).ok() || !(value >= 0 && value < 1)) {
    return InvalidArgument("is %s; it must be at least 0 and below 1", text);
  }
  ratio = value;
  return absl::OkStatus();
}

void AddTargetFlags(FlagSet& flags, ServeBenchFlags& bench) {
  HttpTargetOptions& target = bench.target;
  flags.AddReader({"--base-url", "URL", "the server, if not http://HOST:PORT: https://..., unix:/FILE"},
                  [&target](const std::string& text) -> absl::Status {
                    ASSIGN_OR_RETURN(target.server, ParseHttpUrl(text));
                    return absl::OkStatus();
                  });
  flags.Add({"--host", "HOST", "of the server (127.0.0.1)"}, bench.host);
  flags.Add({"--port", "N", "of the server (8000)"}, bench.port);
  flags.Add({"--endpoint", "PATH", "of completions or chats (/v1/completions)"}, target.endpoint);
  flags.AddChoice({"--backend", "NAME", "vLLM's name of the endpoint: openai, vllm (completions) or openai-chat"},
                  {"openai", "vllm", "openai-chat"}, bench.backend);
  flags.Add({"--model,--served-model-name", "NAME", "as the server calls it (the first that it lists)"}, target.model);
  flags.Add({"--api-key", "KEY", "of the server (OPENAI_API_KEY of the environment)"}, target.api_key);
  flags.Add({"--insecure", "", "https: take any certificate"}, bench.insecure);
  flags.Add({"--ignore-eos", "", "answers go on to their full length"}, target.ignore_eos);
  flags.AddReader({"--temperature", "T", "of every request (0)"}, [&target](const std::string& text) {
    float value = 0;
    RETURN_IF_ERROR(ReadValue(text, value));
    target.temperature = value;
    return absl::OkStatus();
  });
  flags.Add({"--extra-body", "JSON", "an object of more fields of every request"}, target.extra_body);
  flags.Add(
      {"--in-process", "MODEL", "no server: load this model here and submit to it, as what a server is compared with"},
      bench.in_process.model);
}

void AddDatasetFlags(FlagSet& flags, DatasetOptions& dataset) {
  flags.AddChoice({"--dataset-name", "NAME", "random (default), prefix_repetition, sharegpt or custom"},
                  {"random", "prefix_repetition", "sharegpt", "custom"}, dataset.name);
  flags.Add({"--dataset-path", "FILE", "of sharegpt (JSON) or custom (a JSON object with \"prompt\" per line)"},
            dataset.path);
  flags.Add({"--num-prompts", "N", "requests of each run (1000)"}, dataset.num_prompts);
  flags.Add({"--seed", "N", "of prompts and arrivals (0)"}, dataset.seed);
  flags.Add({"--random-input-len", "N", "words of a prompt, of a token each (1024)"}, dataset.random_input_len);
  flags.Add({"--random-output-len", "N", "tokens of an answer (128)"}, dataset.random_output_len);
  flags.AddReader({"--random-range-ratio", "R", "lengths are uniform from (1 - R) to (1 + R) times those (0)"},
                  [&dataset](const std::string& text) { return ReadRatio(text, dataset.random_range_ratio); });
  flags.Add({"--random-prefix-len", "N", "words that all prompts begin with (0)"}, dataset.random_prefix_len);
  flags.Add({"--prefix-repetition-prefix-len", "N", "words that some prompts share (256)"},
            dataset.prefix_repetition_prefix_len);
  flags.Add({"--prefix-repetition-suffix-len", "N", "words of each prompt alone (256)"},
            dataset.prefix_repetition_suffix_len);
  flags.Add({"--prefix-repetition-num-prefixes", "N", "different prefixes (10)"},
            dataset.prefix_repetition_num_prefixes);
  flags.Add({"--prefix-repetition-output-len", "N", "tokens of an answer (128)"}, dataset.prefix_repetition_output_len);
  flags.Add({"--sharegpt-output-len", "N", "tokens of an answer; 0: as many words as the file's (0)"},
            dataset.sharegpt_output_len);
  flags.Add({"--custom-output-len", "N", "tokens of an answer to lines without output_tokens (256)"},
            dataset.custom_output_len);
}

void AddServeBenchFlags(FlagSet& flags, ServeBenchFlags& bench) {
  AddTargetFlags(flags, bench);
  AddDatasetFlags(flags, bench.dataset);
  flags.AddReader(
      {"--request-rate", "R,...", "requests per second, or inf: all at once (inf); a run each"},
      [&bench](const std::string& text) { return ReadRates(text, bench.request_rates); },
      [&bench] { bench.request_rates.clear(); });
  flags.Add({"--burstiness", "B", "1: a Poisson process; below: in bursts; above: more even (1)"}, bench.burstiness);
  flags.Add({"--max-concurrency", "N,...", "requests at once; 0: no limit (0); a run each"}, bench.concurrencies);
  flags.Add({"--num-warmups", "N", "requests before, that do not count (0)"}, bench.num_warmups);
  flags.AddReader(
      {"--percentile-metrics", "NAME,...", "ttft, tpot, itl, e2el: which are shown (ttft,tpot,itl)"},
      [&bench](const std::string& text) { return ReadMetrics(text, bench.report.metrics); },
      [&bench] { bench.report.metrics.clear(); });
  flags.Add({"--metric-percentiles", "P,...", "which percentiles are shown (99)"}, bench.report.percentiles);
  flags.AddReader(
      {"--goodput", "NAME:MS", "count requests within this limit of ttft, tpot or e2el; once for each"},
      [&bench](const std::string& text) { return ReadGoodput(text, bench.report.goodput); },
      [&bench] { bench.report.goodput.clear(); });
  flags.Add({"--save-result", "", "write the result as JSON"}, bench.save_result);
  flags.Add({"--save-detailed", "", "with every request's lengths and times"}, bench.save_detailed);
  flags.Add({"--result-dir", "DIR", "where (here)"}, bench.result_dir);
  flags.Add({"--result-filename", "NAME", "under which name (openai-RATEqps-MODEL-DATE.json)"}, bench.result_filename);
  flags.AddChoice({"--output,-o", "FORMAT", "text (default) or json"}, {"text", "json"}, bench.output);
  flags.Add({"--plot", "FILE", "write latency over throughput of all runs as SVG"}, bench.plot);
  AddDeviceFlags(flags, bench.in_process);
  AddLimitFlags(flags, bench.in_process);
  AddSpeculationFlags(flags, bench.in_process);
}

absl::Status CheckLengths(const DatasetOptions& dataset) {
  const std::pair<std::string_view, int> counts[] = {
      {"--num-prompts", dataset.num_prompts},
      {"--random-output-len", dataset.random_output_len},
      {"--prefix-repetition-num-prefixes", dataset.prefix_repetition_num_prefixes},
      {"--prefix-repetition-output-len", dataset.prefix_repetition_output_len},
      {"--custom-output-len", dataset.custom_output_len}};
  for (const auto& [flag, value] : counts) {
    if (value < 1) return UsageError("%s is %d; it must be at least 1", flag, value);
  }
  const std::pair<std::string_view, int> lengths[] = {
      {"--random-input-len", dataset.random_input_len + dataset.random_prefix_len - 1},
      {"--random-prefix-len", dataset.random_prefix_len},
      {"--prefix-repetition-prefix-len", dataset.prefix_repetition_prefix_len},
      {"--prefix-repetition-suffix-len", dataset.prefix_repetition_suffix_len},
      {"--sharegpt-output-len", dataset.sharegpt_output_len}};
  for (const auto& [flag, value] : lengths) {
    if (value < 0) return UsageError("%s leaves prompts or answers without a word", flag);
  }
  return absl::OkStatus();
}

absl::Status CheckFlags(const ServeBenchFlags& bench) {
  RETURN_IF_ERROR(CheckLengths(bench.dataset));
  if (!(bench.burstiness > 0)) return UsageError("--burstiness must be above 0");
  if (bench.num_warmups < 0) return UsageError("--num-warmups is %d; it must be at least 0", bench.num_warmups);
  for (const int concurrency : bench.concurrencies) {
    if (concurrency < 0) return UsageError("--max-concurrency has %d; it must be at least 0", concurrency);
  }
  for (const float percent : bench.report.percentiles) {
    if (!(percent >= 0 && percent <= 100)) return UsageError("--metric-percentiles has %g; give 0 to 100", percent);
  }
  const std::string& extra = bench.target.extra_body;
  if (!extra.empty() && !nlohmann::json::parse(extra, nullptr, false).is_object()) {
    return UsageError("--extra-body is no JSON object");
  }
  const bool has_file = bench.dataset.name == "sharegpt" || bench.dataset.name == "custom";
  if (has_file && bench.dataset.path.empty())
    return UsageError("--dataset-name %s needs --dataset-path", bench.dataset.name);
  return absl::OkStatus();
}

void Complete(ServeBenchFlags& bench) {
  HttpTargetOptions& target = bench.target;
  target.verify_certificate = !bench.insecure;
  if (target.server.host.empty() && target.server.unix_socket.empty()) {
    target.server = {.host = bench.host, .port = absl::StrFormat("%d", bench.port)};
  }
  if (bench.backend == "openai-chat" && target.endpoint == HttpTargetOptions().endpoint) {
    target.endpoint = "/v1/chat/completions";
  }
  const char* key = std::getenv("OPENAI_API_KEY");
  if (target.api_key.empty() && key != nullptr) target.api_key = key;
}

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

absl::StatusOr<LoadRun> Measure(const ServeBenchFlags& bench, LoadTarget& target, const LoadReport& report) {
  ASSIGN_OR_RETURN(const std::vector<LoadRequest> requests, MakeDataset(bench.dataset));
  LoadRun run{.report = report};
  run.records = RunLoad(target, requests, report.pacing);
  run.summary = Summarize(run.records, report.goodput);
  return run;
}

// Other prompts than those that count, which it would leave in a cache.
absl::Status WarmUp(const ServeBenchFlags& bench, LoadTarget& target) {
  if (bench.num_warmups == 0) return absl::OkStatus();
  ServeBenchFlags warmup = bench;
  warmup.dataset.num_prompts = bench.num_warmups;
  warmup.dataset.seed = ~bench.dataset.seed;
  ASSIGN_OR_RETURN(const LoadRun run, Measure(warmup, target, {.pacing = {.max_concurrency = bench.concurrencies[0]}}));
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
    if (bench.save_result && bench.result_filename.empty()) {
      RETURN_IF_ERROR(WriteFile(ResultPath(bench, run, all.back()), all.back().dump(1) + "\n"));
    }
  }
  const nlohmann::ordered_json& document = runs.size() == 1 ? all[0] : all;
  if (bench.save_result && !bench.result_filename.empty()) {
    RETURN_IF_ERROR(WriteFile(ResultPath(bench, runs[0], all[0]), document.dump(1) + "\n"));
  }
  if (bench.output == "json") PrintJson(document);
  if (bench.plot.empty()) return absl::OkStatus();
  std::vector<LoadPoint> points;
  for (const LoadRun& run : runs) points.push_back({PointName(run.report.pacing), run.summary});
  return WriteFile(bench.plot, DrawLoadPlot(runs[0].report.model, std::move(points)));
}

absl::Status MeasureAll(const ServeBenchFlags& bench, const Target& target, std::vector<LoadRun>& runs) {
  RETURN_IF_ERROR(WarmUp(bench, *target.load));
  for (const float rate : bench.request_rates) {
    for (const int concurrency : bench.concurrencies) {
      LoadReport report = bench.report;
      report.model = target.model;
      report.pacing = {.requests_per_second = rate,
                       .burstiness = bench.burstiness,
                       .max_concurrency = concurrency,
                       .seed = bench.dataset.seed};
      ASSIGN_OR_RETURN(runs.emplace_back(), Measure(bench, *target.load, report));
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
  RETURN_IF_ERROR(CheckFlags(bench));
  Complete(bench);
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
