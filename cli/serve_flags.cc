#include "cli/serve_flags.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "cli/neutral_flags.h"
#include "cli/refused_flags.h"
#include "engine/version.h"
#include "nlohmann/json.hpp"
#include "server/api/api.h"
#include "server/http/http_client.h"

namespace engine {
namespace {

constexpr int64_t kMaxBodyBytes = int64_t{256} << 20;  // what is read as JSON

absl::Status ReadSeconds(const std::string& text, double& seconds) {
  float value = 0;
  RETURN_IF_ERROR(ReadValue(text, value));
  if (!(value >= 0 && value <= 1e6F))
    return InvalidArgument("is %s; it must be a number of seconds, 0 to 1000000", text);
  seconds = value;
  return absl::OkStatus();
}

void AddSeconds(FlagSet& flags, const FlagText& text, double& seconds) {
  flags.AddReader(text, [&seconds](const std::string& value) { return ReadSeconds(value, seconds); });
}

template <typename T>
void AddNumber(FlagSet& flags, const FlagText& text, int64_t least, int64_t most, T& number) {
  flags.AddReader(text, [=, &number](const std::string& value) -> absl::Status {
    if (ReadValue(value, number).ok() && number >= least && number <= most) return absl::OkStatus();
    return InvalidArgument("is '%s'; it must be a whole number from %d to %d", value, least, most);
  });
}

absl::Status ReadQuantPolicy(const std::string& value, std::string& kv_cache_dtype) {
  const bool is_int8 = value == "8" || value == "int8";
  if (!is_int8 && value != "0" && value != "none")
    return InvalidArgument("is %s; it must be 0 (none) or 8 (int8): the cache has no other type so small", value);
  kv_cache_dtype = is_int8 ? "int8" : "auto";
  return absl::OkStatus();
}

// vLLM's form is a JSON list.
absl::Status ReadOrigins(const std::string& value, std::vector<std::string>& origins) {
  if (!value.starts_with('[')) return ReadValue(value, origins);
  const auto list = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  const auto is_text = [](const nlohmann::json& origin) { return origin.is_string(); };
  if (!list.is_array() || !std::ranges::all_of(list, is_text)) {
    return InvalidArgument("is '%s'; it must be an origin, or a JSON list of some", value);
  }
  for (const nlohmann::json& origin : list) origins.push_back(origin.get<std::string>());
  return absl::OkStatus();
}

// vLLM's form separates them by commas.
absl::Status ReadPaths(const std::string& value, std::vector<std::string>& paths) {
  for (const std::string& path : std::vector<std::string>(absl::StrSplit(value, ','))) {
    if (!path.starts_with('/')) return InvalidArgument("is '%s'; a path begins with /", path);
    paths.push_back(path);
  }
  return absl::OkStatus();
}

absl::Status ReadHost(const std::string& value, std::string& host) {
  if (value.empty()) return InvalidArgument("is ''; it must be an address or a name");  // or it would be on all
  return ReadValue(value, host);
}

void AddAddressFlags(FlagSet& flags, HttpOptions& http) {
  flags.AddReader({"--host,--server-name", "HOST", "address to listen on; 0.0.0.0 (default): on all"},
                  [&http](const std::string& value) { return ReadHost(value, http.host); });
  AddNumber(flags, {"--port,--server-port", "N", "port to listen on (8000); 0: any free one"}, 0, 65535, http.port);
  flags.Add({"--uds", "PATH", "listen on a Unix socket instead"}, http.unix_socket);
  flags.Add({"--ssl-certfile,--ssl-cert-file", "FILE",
             "serve TLS with this certificate chain (PEM); read again on SIGHUP and when it changes"},
            http.tls_certificate);
  flags.Add({"--ssl-keyfile,--ssl-key-file", "FILE", "and this key (PEM)"}, http.tls_key);
  AddNumber(flags, {"--max-connections", "N", "connections at once (4096); more are closed as they come"}, 1, 1'000'000,
            http.max_connections);
  AddNumber(flags, {"--max-body-bytes", "N", "largest body of a request (33554432, 32 MiB)"}, 1, kMaxBodyBytes,
            http.limits.max_body_bytes);
  AddNumber(flags, {"--http-threads,--threads-http", "N", "threads that read and write connections (1)"}, 1, 256,
            http.threads);
}

absl::Status ReadRoute(const std::string& text, std::vector<std::shared_ptr<TrafficSplit>>& splits) {
  ASSIGN_OR_RETURN(std::shared_ptr<TrafficSplit> split, TrafficSplit::Parse(text));
  splits.push_back(std::move(split));
  return absl::OkStatus();
}

absl::Status ReadUrl(const std::string& text, std::string& url) {
  url = text;
  return ParseHttpUrl(text).status();
}

void AddModelFlags(FlagSet& flags, ServeFlags& serve) {
  AddModelsFlag(flags, serve.arguments);
  flags.Add({"--served-model-name,--model-name,--alias,-a", "NAME ...",
             "names of the model for clients (default: the end of its path, and the path as it is here)"},
            serve.names);
  flags.AddReader(
      {"--route", "NAME=A:90,B:10",
       "one more name, whose requests models A and B share by these weights; once for each name"},
      [&serve](const std::string& value) { return ReadRoute(value, serve.server.splits); },
      [&serve] { serve.server.splits.clear(); });
}

void AddAccessFlags(FlagSet& flags, ServeFlags& serve) {
  flags.Add({"--api-key,--api-keys", "KEY ...",
             "let in only who sends one of these keys; without any and without a file, that of VLLM_API_KEY or "
             "LLAMA_API_KEY"},
            serve.server.api_keys);
  flags.Add({"--api-key-file", "FILE", "more keys, one per line; read again on SIGHUP and when it changes"},
            serve.server.api_key_file);
  flags.AddReader(
      {"--allowed-origins,--allow-origins", "ORIGIN ...", "let pages of this origin call (CORS); *: all"},
      [&serve](const std::string& value) { return ReadOrigins(value, serve.server.allowed_origins); },
      [&serve] { serve.server.allowed_origins.clear(); });
  flags.AddChoice(
      {"--api-compat", "MODE", "what unknown fields of a request do: strict (default) refuses, lenient warns"},
      {"strict", "lenient"}, serve.api_compat);
}

void AddTimeFlags(FlagSet& flags, ServeFlags& serve) {
  AddNumber(flags, {"--max-queued-requests", "N", "requests that may wait for others (1024); more get 429"}, 0,
            1'000'000, serve.engine.max_queued_requests);
  AddSeconds(flags, {"--request-timeout", "SECONDS", "longest that a request may take (default 0: no limit)"},
             serve.engine.request_timeout_seconds);
  AddSeconds(flags, {"--shutdown-timeout", "SECONDS", "how long answers may go on after SIGTERM or Ctrl-C (25)"},
             serve.shutdown_seconds);
  AddSeconds(flags, {"--watchdog-timeout", "SECONDS", "not ready after that long without a step while work waits (60)"},
             serve.server.watchdog_seconds);
}

void AddLogFlags(FlagSet& flags, ServeFlags& serve) {
  flags.AddChoice({"--log-format", "FORMAT", "plain (default) or json"}, {"plain", "json"}, serve.log_format);
  flags.Add({"--access-log", "", "log every answer (default)"}, serve.server.access_log);
  flags.AddReader(
      {"--disable-access-log-for-endpoints", "PATH ...", "but none of these paths"},
      [&serve](const std::string& value) { return ReadPaths(value, serve.server.unlogged_paths); },
      [&serve] { serve.server.unlogged_paths.clear(); });
  flags.Add({"--enable-log-requests", "", "log what requests ask for, prompts included (default: nothing of them)"},
            serve.server.log_requests);
  AddNumber(flags, {"--max-log-len", "N", "bytes of a request that --enable-log-requests logs (1000)"}, 0,
            ServerOptions::kMostLogged, serve.server.max_log_len);
  flags.AddReader({"--otlp-traces-endpoint", "URL",
                   "send a span of every request that is traced to this OpenTelemetry collector: "
                   "http://HOST:4318/v1/traces"},
                  [&serve](const std::string& value) { return ReadUrl(value, serve.server.traces_endpoint); });
}

void AddSamplingDefaults(FlagSet& flags, EngineOptions& engine) {
  flags.AddReader({"--generation-config", "WHERE",
                   "how requests are sampled that do not say: auto (default): as the checkpoint recommends; vllm: at "
                   "temperature 1"},
                  [&engine](const std::string& value) -> absl::Status {
                    if (value != "auto" && value != "vllm")
                      return InvalidArgument("is '%s'; it must be auto or vllm", value);
                    engine.use_generation_config = value == "auto";
                    return absl::OkStatus();
                  });
  flags.Add({"--override-generation-config", "JSON", "over that, as in {\"temperature\": 0.6, \"top_p\": 0.95}"},
            engine.override_generation_config);
}

void AddEngineFlags(FlagSet& flags, EngineOptions& engine) {
  AddDeviceFlags(flags, engine);
  AddLimitFlags(flags, engine);
  flags.AddReader({"--quant-policy", "0|8", "LMDeploy's name of --kv-cache-dtype auto and int8"},
                  [&engine](const std::string& value) { return ReadQuantPolicy(value, engine.kv_cache_dtype); });
  AddChatFlags(flags, engine);
  AddSamplingDefaults(flags, engine);
  AddReasoningFlag(flags, engine);
  flags.Add({"--tool-call-parser", "NAME",
             "how the model writes tool calls (hermes, llama3_json, ...); auto (default): as its chat template shows; "
             "none: calls are text"},
            engine.tool_call_parser);
  AddSpeculationFlags(flags, engine);
  flags.AddChoice({"--pooling", "TYPE",
                   "how /v1/embeddings makes a text's vector of its tokens' states: last or mean; none (default): the "
                   "models make no embeddings"},
                  {"none", "last", "mean"}, engine.pooling);
}

// A server that had its key from there must not be open to anybody here.
void TakeKeyOfOthers(ServerOptions& server) {
  for (const char* variable : {"VLLM_API_KEY", "LLAMA_API_KEY"}) {
    if (!server.api_keys.empty() || !server.api_key_file.empty()) return;
    const char* key = std::getenv(variable);
    if (key != nullptr && *key != '\0') server.api_keys = {key};
  }
}

}  // namespace

void AddServeFlags(FlagSet& flags, ServeFlags& serve) {
  AddModelFlags(flags, serve);
  AddAddressFlags(flags, serve.server.http);
  AddAccessFlags(flags, serve);
  AddTimeFlags(flags, serve);
  AddLogFlags(flags, serve);
  AddEngineFlags(flags, serve.engine);
  AddNeutralFlags(flags);
  AddRefusedFlags(flags);
}

absl::Status Complete(ServeFlags& serve) {
  ASSIGN_OR_RETURN(serve.models, ReadModels(serve.arguments, serve.names));
  RETURN_IF_ERROR(CheckNames(serve.models, serve.server.splits));
  TakeKeyOfOthers(serve.server);
  for (const ModelToServe& model : serve.models) serve.server.model_names.push_back(model.names.front());
  serve.server.version = Version();
  serve.server.routes = [&serve](const Engines& engines, const Post& post) {
    ApiOptions api{.splits = serve.server.splits,
                   .lenient = serve.api_compat == "lenient",
                   .version = std::string(Version()),
                   .post = post};
    for (size_t m = 0; m < serve.models.size(); ++m) {
      Engine* engine = engines.empty() ? nullptr : engines[m].get();
      for (const std::string& name : serve.models[m].names) api.models.push_back({name, engine, serve.models[m].alias});
    }
    return ApiRoutes(std::move(api));
  };
  return absl::OkStatus();
}

}  // namespace engine
