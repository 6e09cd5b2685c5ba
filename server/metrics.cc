#include "server/metrics.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "server/exposition.h"

namespace engine {
namespace {

// Names without prefix; an empty one: not shown under that prefix. Rows of one name stand together and differ in `label`.
struct Value {
  std::string_view name;
  std::string_view vllm_name;
  std::string_view type;
  std::string_view help;
  double (*get)(const EngineStats& stats);
  std::string_view label = "";
};

double KvUsage(const EngineStats& stats) {
  if (stats.step.kv_blocks == 0) return 0;
  return static_cast<double>(stats.step.kv_blocks_in_use) / static_cast<double>(stats.step.kv_blocks);
}

// Also requests that the scheduler has not heard of yet.
double Waiting(const EngineStats& stats) {
  return static_cast<double>(std::max<int64_t>(stats.request.open - stats.step.running, 0));
}

template <auto kPart, auto kMember>
double Get(const EngineStats& stats) {
  return static_cast<double>(stats.*kPart.*kMember);
}
template <auto kMember>
constexpr auto kStep = Get<&EngineStats::step, kMember>;
template <auto kMember>
constexpr auto kRequest = Get<&EngineStats::request, kMember>;

constexpr char kUsageHelp[] = "Share of the KV cache that running requests hold, 0 to 1";
constexpr char kSourceHelp[] = "Prompt tokens, by where they come from";
constexpr char kEndedHelp[] = "Requests that have ended, by reason";

constexpr Value kValues[] = {
    {"requests_running", "num_requests_running", "gauge", "Requests in the batch", kStep<&StepStats::running>},
    {"requests_waiting", "num_requests_waiting", "gauge", "Requests in the queue", Waiting},
    {"", "num_requests_waiting_by_reason", "gauge", "Requests in the queue", Waiting, "reason=\"capacity\""},
    {"", "num_requests_waiting_by_reason", "gauge", "Requests in the queue", [](const EngineStats&) { return 0.0; },
     "reason=\"deferred\""},
    // Dashboards take it as the sign that the model is up.
    {"", "engine_sleep_state", "gauge", "1: the model is in this state", [](const EngineStats&) { return 1.0; },
     "sleep_state=\"awake\""},
    {"kv_cache_usage", "kv_cache_usage_perc", "gauge", kUsageHelp, KvUsage},
    {"", "gpu_cache_usage_perc", "gauge", kUsageHelp, KvUsage},
    {"kv_cache_blocks", "", "gauge", "Blocks of the KV cache", kStep<&StepStats::kv_blocks>},
    {"steps_total", "", "counter", "Steps that have ended", kStep<&StepStats::steps>},
    {"step_seconds", "", "gauge", "Age of the step in flight; 0: none is", kStep<&StepStats::step_seconds>},
    {"preemptions_total", "num_preemptions_total", "counter", "Times that a request lost its blocks to others",
     kStep<&StepStats::preemptions>},
    {"prefix_cache_queries_total", "prefix_cache_queries_total", "counter", "Prompt tokens looked for in the cache",
     kStep<&StepStats::prompt_tokens_queried>},
    {"prefix_cache_hits_total", "prefix_cache_hits_total", "counter", "Of those, found",
     kStep<&StepStats::prompt_tokens_cached>},
    {"", "prompt_tokens_cached_total", "counter", "Prompt tokens found in the cache",
     kStep<&StepStats::prompt_tokens_cached>},
    {"", "prompt_tokens_by_source_total", "counter", kSourceHelp,
     [](const EngineStats& stats) {
       return static_cast<double>(stats.step.prompt_tokens_queried - stats.step.prompt_tokens_cached);
     },
     "source=\"local_compute\""},
    {"", "prompt_tokens_by_source_total", "counter", kSourceHelp, kStep<&StepStats::prompt_tokens_cached>,
     "source=\"local_cache_hit\""},
    {"drafts_total", "spec_decode_num_drafts_total", "counter", "Guesses, of some tokens together, that were verified",
     kStep<&StepStats::drafts>},
    {"draft_tokens_total", "spec_decode_num_draft_tokens_total", "counter", "Guessed tokens that were verified",
     kStep<&StepStats::drafted_tokens>},
    {"draft_tokens_accepted_total", "spec_decode_num_accepted_tokens_total", "counter", "Of those, right",
     kStep<&StepStats::accepted_tokens>},
    {"prompt_tokens_total", "prompt_tokens_total", "counter", "Prompt tokens read, cached ones included",
     kRequest<&RequestStats::prompt_tokens>},
    {"generated_tokens_total", "generation_tokens_total", "counter", "Tokens generated",
     kRequest<&RequestStats::generated_tokens>},
    {"requests_rejected_total", "", "counter", "Requests refused because the queue was full",
     kRequest<&RequestStats::rejected>},
    {"requests_ended_total", "request_success_total", "counter", kEndedHelp, kRequest<&RequestStats::ended_by_stop>,
     "finished_reason=\"stop\""},
    {"requests_ended_total", "request_success_total", "counter", kEndedHelp, kRequest<&RequestStats::ended_by_length>,
     "finished_reason=\"length\""},
    {"requests_ended_total", "request_success_total", "counter", kEndedHelp, kRequest<&RequestStats::cancelled>,
     "finished_reason=\"abort\""},
    {"requests_ended_total", "request_success_total", "counter", kEndedHelp, kRequest<&RequestStats::failed>,
     "finished_reason=\"error\""},
};

struct Distribution {
  std::string_view name;
  std::string_view vllm_name;
  std::string_view help;
  const Histogram& (*get)(const EngineStats& stats);
};

template <auto kMember>
constexpr auto kHistogram = [](const EngineStats& stats) -> const Histogram& { return stats.request.*kMember; };

constexpr char kGapHelp[] = "Seconds between two tokens of a request";

constexpr Distribution kDistributions[] = {
    {"time_to_first_token_seconds", "time_to_first_token_seconds", "Seconds from a request to its first token",
     kHistogram<&RequestStats::time_to_first_token>},
    {"inter_token_seconds", "inter_token_latency_seconds", kGapHelp, kHistogram<&RequestStats::inter_token_latency>},
    {"", "time_per_output_token_seconds", kGapHelp, kHistogram<&RequestStats::inter_token_latency>},
    {"request_time_per_output_token_seconds", "request_time_per_output_token_seconds",
     "Mean seconds between the tokens of a request", kHistogram<&RequestStats::time_per_output_token>},
    {"request_seconds", "e2e_request_latency_seconds", "Seconds from a request to its end",
     kHistogram<&RequestStats::total_time>},
    {"request_queue_seconds", "request_queue_time_seconds", "Seconds in the queue",
     kHistogram<&RequestStats::queue_time>},
    {"request_prefill_seconds", "request_prefill_time_seconds", "Seconds from the queue to the first token",
     kHistogram<&RequestStats::prefill_time>},
    {"request_decode_seconds", "request_decode_time_seconds", "Seconds from the first token to the last",
     kHistogram<&RequestStats::decode_time>},
    {"request_inference_seconds", "request_inference_time_seconds", "Seconds from the queue to the last token",
     kHistogram<&RequestStats::inference_time>},
    {"request_prompt_tokens", "request_prompt_tokens", "Tokens of a prompt", kHistogram<&RequestStats::prompt_lengths>},
    {"request_computed_prompt_tokens", "request_prefill_kv_computed_tokens", "Tokens of a prompt, without cached ones",
     kHistogram<&RequestStats::computed_prompt_lengths>},
    {"request_generated_tokens", "request_generation_tokens", "Tokens of an answer",
     kHistogram<&RequestStats::generation_lengths>},
    {"request_max_tokens", "request_params_max_tokens", "Tokens that an answer was allowed",
     kHistogram<&RequestStats::max_tokens>},
    {"", "request_max_num_generation_tokens", "Tokens that an answer was allowed",
     kHistogram<&RequestStats::max_tokens>},
    {"step_tokens", "iteration_tokens_total", "Tokens computed by a step",
     [](const EngineStats& stats) -> const Histogram& { return stats.step.tokens_per_step; }},
};

using Models = std::vector<ModelMetrics>;

std::string OurLabels(const ModelMetrics& model) { return Exposition::Join({{"model_name", model.name}}); }
std::string VllmLabels(const ModelMetrics& model) {
  return Exposition::Join({{"engine", "0"}, {"model_name", model.name}});
}

// Which of the tables' columns has the names, and what tells models apart.
struct Column {
  std::string_view prefix;
  std::string_view Value::* value_name;
  std::string_view Distribution::* distribution_name;
  std::string (*labels)(const ModelMetrics& model);
};
constexpr Column kOurs = {"engine_", &Value::name, &Distribution::name, OurLabels};
constexpr Column kVllms = {"vllm:", &Value::vllm_name, &Distribution::vllm_name, VllmLabels};

void AddValues(const Models& models, const Column& column, Exposition& out) {
  std::string_view last;
  for (const Value& value : kValues) {
    const std::string_view name = value.*column.value_name;
    if (name.empty()) continue;
    if (name != last) out.Begin(std::string(column.prefix).append(name), value.type, value.help);
    last = name;
    for (const ModelMetrics& model : models) {
      const std::string labels = column.labels(model);
      out.Sample(value.label.empty() ? labels : std::string(value.label) + "," + labels, value.get(model.engine));
    }
  }
}

void AddAcceptedByPosition(const Models& models, const Column& column, std::string_view name, Exposition& out) {
  out.Begin(std::string(column.prefix).append(name), "counter",
            "Guessed tokens that were right, by place in the guess");
  for (const ModelMetrics& model : models) {
    for (int p = 0; p < Draft::kMaxTokens; ++p) {
      out.Sample(absl::StrFormat("position=\"%d\",%s", p, column.labels(model)),
                 static_cast<double>(model.engine.step.accepted_by_position[p]));
    }
  }
}

void AddDistributions(const Models& models, const Column& column, Exposition& out) {
  for (const Distribution& distribution : kDistributions) {
    const std::string_view name = distribution.*column.distribution_name;
    if (name.empty()) continue;
    out.Begin(std::string(column.prefix).append(name), "histogram", distribution.help);
    for (const ModelMetrics& model : models) out.Samples(column.labels(model), distribution.get(model.engine));
  }
}

void AddMemory(const Models& models, Exposition& out) {
  static constexpr std::pair<std::string_view, int64_t MemoryPlan::*> kParts[] = {
      {"weights", &MemoryPlan::weight_bytes},
      {"kv_cache", &MemoryPlan::kv_cache_bytes},
      {"activations", &MemoryPlan::activation_bytes},
      {"workspace", &MemoryPlan::workspace_bytes},
      {"steps", &MemoryPlan::step_bytes},
      {"process", &MemoryPlan::process_bytes},
  };
  out.Begin("engine_memory_planned_bytes", "gauge", "Memory that the plan gives to a model, by what it is for");
  for (const ModelMetrics& model : models) {
    for (const auto& [part, bytes] : kParts) {
      out.Sample(Exposition::Join({{"part", part}, {"model_name", model.name}}),
                 static_cast<double>(model.memory.*bytes));
    }
  }
  out.Begin("engine_memory_limit_bytes", "gauge", "Memory that all parts of a model may take, beside other models");
  for (const ModelMetrics& model : models) out.Sample(OurLabels(model), static_cast<double>(model.memory.limit_bytes));
}

void AddSplits(const MetricsInput& input, Exposition& out) {
  std::vector<std::pair<std::string, RouteStats::Counts>> routes;  // with their labels
  for (const auto& split : input.splits) {
    for (size_t s = 0; s < split->shares().size(); ++s) {
      routes.emplace_back(Exposition::Join({{"route", split->name()}, {"model", split->shares()[s].model}}),
                          split->stats(s)->Read());
    }
  }
  if (routes.empty()) return;
  out.Begin("engine_route_requests_total", "counter", "Requests to a name of --route that have run, by their model");
  for (const auto& [labels, counts] : routes) out.Sample(labels, static_cast<double>(counts.requests));
  static constexpr std::tuple<std::string_view, std::string_view, int64_t RequestStats::*> kCounters[] = {
      {"failed", "Of them, those that ended with an error", &RequestStats::failed},
      {"cancelled", "Of them, those whose client went away", &RequestStats::cancelled},
      {"generated_tokens", "Tokens of answered requests to a name of --route", &RequestStats::generated_tokens}};
  for (const auto& [name, help, member] : kCounters) {
    out.Begin(absl::StrFormat("engine_route_%s_total", name), "counter", help);
    for (const auto& [labels, counts] : routes) out.Sample(labels, static_cast<double>(counts.ended.*member));
  }
  static constexpr std::tuple<std::string_view, std::string_view, Histogram RequestStats::*> kHistograms[] = {
      {"time_to_first_token_seconds", "Seconds from a request to its first token", &RequestStats::time_to_first_token},
      {"time_per_output_token_seconds", "Mean seconds between an answer's tokens",
       &RequestStats::time_per_output_token},
      {"request_seconds", "Seconds from a request to the end of its answer", &RequestStats::total_time}};
  for (const auto& [name, help, member] : kHistograms) {
    out.Begin(absl::StrFormat("engine_route_%s", name), "histogram", help);
    for (const auto& [labels, counts] : routes) out.Samples(labels, counts.ended.*member);
  }
}

void AddCacheConfig(const Models& models, Exposition& out) {
  out.Begin("vllm:cache_config_info", "gauge", "The KV cache; always 1");
  for (const ModelMetrics& model : models) {
    const std::string blocks = absl::StrFormat("%d", model.engine.step.kv_blocks);
    const std::string block_tokens = absl::StrFormat("%d", model.engine.step.kv_block_tokens);
    out.Sample(
        Exposition::Join(
            {{"block_size", block_tokens}, {"engine", "0"}, {"model_name", model.name}, {"num_gpu_blocks", blocks}}),
        1);
  }
}

void AddHttp(const MetricsInput& input, Exposition& out) {
  out.Begin("engine_info", "gauge", "The program; always 1");
  out.Sample(Exposition::Join({{"version", input.version}}), 1);
  out.Begin("engine_http_connections", "gauge", "Open connections");
  out.Sample("", input.server.connections);
  out.Begin("engine_http_connections_refused_total", "counter", "Connections closed at once, beyond --max-connections");
  out.Sample("", static_cast<double>(input.server.refused));
  if (input.server.certificate_end > 0) {
    out.Begin("engine_tls_certificate_end_seconds", "gauge", "When the certificate ends, in seconds since 1970");
    out.Sample("", static_cast<double>(input.server.certificate_end));
  }
  out.Begin("engine_http_answers_under_way", "gauge", "Requests that have come and are not answered to their end");
  out.Sample("", input.server.answers);
  out.Begin("engine_http_requests_total", "counter", "Answers, by route and status; 499: the client went");
  for (const auto& [key, count] : input.http.answers) {
    out.Sample(Exposition::Join({{"handler", key.first}, {"status", absl::StrFormat("%d", key.second)}}),
               static_cast<double>(count));
  }
  out.Begin("engine_http_body_bytes_total", "counter", "Bytes of answers, without headers");
  out.Sample("", static_cast<double>(input.http.body_bytes));
  if (!input.traces) return;
  out.Begin("engine_trace_spans_total", "counter", "Spans for the collector, by what became of them");
  out.Sample(Exposition::Join({{"state", "exported"}}), static_cast<double>(input.traces->exported));
  out.Sample(Exposition::Join({{"state", "dropped"}}), static_cast<double>(input.traces->dropped));
}

}  // namespace

std::string MetricsText(const MetricsInput& input) {
  Exposition out;
  AddHttp(input, out);
  AddMemory(input.models, out);
  AddSplits(input, out);
  for (const Column& column : {kOurs, kVllms}) {
    AddValues(input.models, column, out);
    AddDistributions(input.models, column, out);
  }
  AddAcceptedByPosition(input.models, kOurs, "draft_tokens_accepted_per_position_total", out);
  AddAcceptedByPosition(input.models, kVllms, "spec_decode_num_accepted_tokens_per_pos_total", out);
  AddCacheConfig(input.models, out);
  return out.TakeText();
}

}  // namespace engine
