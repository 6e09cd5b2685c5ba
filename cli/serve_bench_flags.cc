#include "cli/serve_bench_flags.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "cli/engine_flags.h"
#include "cli/usage.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

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
  flags.Add({"--seed", "N", "of prompts and arrivals (0); each run has prompts of its own"}, dataset.seed);
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

// Before a load that may take hours.
absl::Status MakeResultFolder(const ServeBenchFlags& bench) {
  std::error_code error;
  if (bench.save_result && !bench.result_dir.empty()) std::filesystem::create_directories(bench.result_dir, error);
  return error ? UsageError("--result-dir %s cannot be made: %s", bench.result_dir, error.message()) : absl::OkStatus();
}

}  // namespace

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
  flags.Add({"--result-dir", "DIR", "where (here); it is made if it is not there"}, bench.result_dir);
  flags.Add({"--result-filename", "NAME", "under which name (openai-RATEqps-MODEL-DATE.json)"}, bench.result_filename);
  AddOutputFlag(flags, bench.output);
  flags.Add({"--plot", "FILE", "write latency over throughput of all runs as SVG"}, bench.plot);
  AddDeviceFlags(flags, bench.in_process);
  AddLimitFlags(flags, bench.in_process);
  AddSpeculationFlags(flags, bench.in_process);
}

absl::Status CompleteServeBenchFlags(ServeBenchFlags& bench) {
  RETURN_IF_ERROR(CheckFlags(bench));
  RETURN_IF_ERROR(MakeResultFolder(bench));
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
  return absl::OkStatus();
}

}  // namespace engine
