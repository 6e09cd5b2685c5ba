#include <sys/resource.h>

#include <csignal>
#include <future>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/engine_flags.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/served_models.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/clock.h"
#include "engine/version.h"
#include "server/api/api.h"
#include "server/server.h"

namespace engine {
namespace {

struct ServeFlags {
  std::vector<std::string> arguments = {kDefaultModel};
  std::vector<std::string> names;
  std::vector<ModelToServe> models;                                // what these two say
  EngineOptions engine{.model = {}, .max_queued_requests = 1024};  // of each
  ServerOptions server{.http = {.host = "0.0.0.0"}};
  std::string api_compat = "strict";
  std::string log_format = "plain";
  double shutdown_seconds = 25;
};

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

absl::Status ReadQuantPolicy(const std::string& value, std::string& kv_cache_dtype) {
  if (value != "0" && value != "8") return InvalidArgument("is %s; it must be 0 or 8", value);
  kv_cache_dtype = value == "0" ? "auto" : "int8";
  return absl::OkStatus();
}

void AddAddressFlags(FlagSet& flags, HttpOptions& http) {
  flags.Add({"--host,--server-name", "HOST", "address to listen on; 0.0.0.0 (default): on all"}, http.host);
  flags.Add({"--port,--server-port", "N", "port to listen on (8000); 0: any free one"}, http.port);
  flags.Add({"--uds", "PATH", "listen on a Unix socket instead"}, http.unix_socket);
  flags.Add({"--ssl-certfile,--ssl-cert-file", "FILE", "serve TLS with this certificate chain (PEM)"},
            http.tls_certificate);
  flags.Add({"--ssl-keyfile,--ssl-key-file", "FILE", "and this key (PEM)"}, http.tls_key);
  flags.Add({"--max-connections", "N", "connections at once; more are closed as they come"}, http.max_connections);
  flags.Add({"--max-body-bytes", "N", "largest body of a request"}, http.limits.max_body_bytes);
  flags.Add({"--http-threads,--threads-http", "N", "threads that read and write connections (1)"}, http.threads);
}

absl::Status ReadRoute(const std::string& text, std::vector<std::shared_ptr<TrafficSplit>>& splits) {
  ASSIGN_OR_RETURN(std::shared_ptr<TrafficSplit> split, TrafficSplit::Parse(text));
  splits.push_back(std::move(split));
  return absl::OkStatus();
}

void AddModelFlags(FlagSet& flags, ServeFlags& serve) {
  flags.AddPositional({"--model,-m", "MODEL ...",
                       "a .gguf file, a Hugging Face directory, a packed file, or a name that was pulled; NAME=MODEL "
                       "for a name of its own. Several share the device"},
                      serve.arguments);
  flags.Add({"--served-model-name,--model-name,--alias,-a", "NAME ...",
             "names of the model for clients (default: the end of its path)"},
            serve.names);
  flags.AddReader(
      {"--route", "NAME=A:90,B:10",
       "one more name, whose requests models A and B share by these weights; once for each name"},
      [&serve](const std::string& value) { return ReadRoute(value, serve.server.splits); },
      [&serve] { serve.server.splits.clear(); });
}

void AddServeFlags(FlagSet& flags, ServeFlags& serve) {
  AddModelFlags(flags, serve);
  AddAddressFlags(flags, serve.server.http);
  flags.Add({"--api-key,--api-keys", "KEY ...", "let in only who sends one of these keys"}, serve.server.api_keys);
  flags.Add({"--api-key-file", "FILE", "more keys, one per line; read again on SIGHUP and when it changes"},
            serve.server.api_key_file);
  flags.Add({"--allowed-origins,--allow-origins", "ORIGIN ...", "let pages of this origin call (CORS); *: all"},
            serve.server.allowed_origins);
  flags.AddChoice({"--api-compat", "MODE", "what unknown fields of a request do: strict refuses, lenient warns"},
                  {"strict", "lenient"}, serve.api_compat);
  flags.Add({"--max-queued-requests", "N", "requests that may wait for others (1024); more get 429"},
            serve.engine.max_queued_requests);
  AddSeconds(flags, {"--request-timeout", "SECONDS", "longest that a request may take (default 0: no limit)"},
             serve.engine.request_timeout_seconds);
  AddSeconds(flags, {"--shutdown-timeout", "SECONDS", "how long answers may go on after SIGTERM or Ctrl-C (25)"},
             serve.shutdown_seconds);
  AddSeconds(flags, {"--watchdog-timeout", "SECONDS", "not ready after that long without a step while work waits (60)"},
             serve.server.watchdog_seconds);
  flags.AddChoice({"--log-format", "FORMAT", "plain (default) or json"}, {"plain", "json"}, serve.log_format);
  flags.Add({"--access-log", "", "log every answer (default)"}, serve.server.access_log);
  flags.Add({"--disable-access-log-for-endpoints", "PATH ...", "but none of these paths"}, serve.server.unlogged_paths);
  AddDeviceFlags(flags, serve.engine);
  AddLimitFlags(flags, serve.engine);
  flags.AddReader({"--quant-policy", "0|8", "LMDeploy's name of --kv-cache-dtype auto and int8"},
                  [&serve](const std::string& value) { return ReadQuantPolicy(value, serve.engine.kv_cache_dtype); });
  AddReasoningFlag(flags, serve.engine);
  flags.Add({"--tool-call-parser", "NAME",
             "how the model writes tool calls (hermes, llama3_json, ...); auto (default): as its chat template shows; "
             "none: calls are text"},
            serve.engine.tool_call_parser);
  AddSpeculationFlags(flags, serve.engine);
}

absl::Status Complete(ServeFlags& serve) {
  ASSIGN_OR_RETURN(serve.models, ReadModels(serve.arguments, serve.names));
  RETURN_IF_ERROR(CheckNames(serve.models, serve.server.splits));
  for (const ModelToServe& model : serve.models) serve.server.model_names.push_back(model.names.front());
  serve.server.version = Version();
  serve.server.routes = [&serve](const Engines& engines, const Post& post) {
    ApiOptions api{.splits = serve.server.splits,
                   .lenient = serve.api_compat == "lenient",
                   .version = std::string(Version()),
                   .post = post};
    for (size_t m = 0; m < serve.models.size(); ++m) {
      Engine* engine = engines.empty() ? nullptr : engines[m].get();
      for (const std::string& name : serve.models[m].names) api.models.push_back({name, engine});
    }
    return ApiRoutes(std::move(api));
  };
  return absl::OkStatus();
}

absl::StatusOr<Engines> Load(const ServeFlags& serve, Log& log) {
  std::vector<std::unique_ptr<Progress>> progress;
  std::vector<EngineOptions> options(serve.models.size(), serve.engine);
  for (size_t m = 0; m < options.size(); ++m) {
    options[m].model = serve.models[m].model;
    progress.push_back(std::make_unique<Progress>("loading " + options[m].model));
    options[m].load_progress = [bar = progress.back().get()](int64_t done, int64_t total) { bar->Update(done, total); };
    options[m].warn = [&log](const std::string& line) { log.Warn(line); };
  }
  return Engine::CreateTogether(options);
}

double Megabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

void Announce(const ServeFlags& serve, size_t m, const ModelInfo& model, Log& log) {
  const std::string name = serve.models.size() == 1 ? "" : serve.models[m].names.front() + "=";
  log.Info(
      absl::StrFormat("%s%s: %s, %s, %.1f MB of weights, %.1f MB of KV cache; %d requests at once, %d more may wait, "
                      "context %d; planned: %.1f MB of %.1f",
                      name, model.path, model.architecture, model.weight_format, Megabytes(model.weight_bytes),
                      Megabytes(model.kv_cache_bytes), serve.engine.max_num_seqs, serve.engine.max_queued_requests,
                      model.max_model_len, Megabytes(model.memory.total_bytes()), Megabytes(model.memory.limit_bytes)));
}

std::string AllNames(const ServeFlags& serve) {
  std::vector<std::string> names;
  for (const ModelToServe& model : serve.models) names.insert(names.end(), model.names.begin(), model.names.end());
  for (const auto& split : serve.server.splits) names.push_back(split->name());
  return absl::StrJoin(names, ", ");
}

void Announce(const ServeFlags& serve, double seconds, const std::string& address, Log& log) {
  const HttpOptions& http = serve.server.http;
  const bool is_local =
      !http.unix_socket.empty() || http.host == "127.0.0.1" || http.host == "localhost" || http.host == "::1";
  if (serve.server.api_keys.empty() && serve.server.api_key_file.empty() && !is_local) {
    log.Warn("no API key is asked for: whoever reaches this address may use the model (--api-key, --host 127.0.0.1)");
  }
  log.Info(absl::StrFormat("engine %s serves %s on %s after %.2f s", Version(), AllNames(serve), address, seconds));
}

// A connection is a file, and the soft limit is often 1024.
void AllowManyConnections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Until a signal asks for the end; a second one ends the program at once.
absl::Status ServeUntilSignal(const ServeFlags& serve, Interrupt& interrupt, Server& server, Log& log) {
  std::promise<void> asked;
  interrupt.Arm([&asked] { asked.set_value(); });
  asked.get_future().wait();
  log.Info(absl::StrFormat("shutting down: answers under way have %g s to end", serve.shutdown_seconds));
  const bool ended = server.Drain(serve.shutdown_seconds);
  server.Stop();
  if (!ended) return absl::DeadlineExceededError("answers were cut off: they did not end within --shutdown-timeout");
  log.Info("all answers have ended");
  return absl::OkStatus();
}

}  // namespace

absl::Status ServeVerb(Arguments arguments) {
  ServeFlags serve;
  FlagSet flags("engine serve [MODEL ...]", "Answers over HTTP, as OpenAI's API does, until SIGTERM or Ctrl-C.");
  AddServeFlags(flags, serve);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(Complete(serve));

  AllowManyConnections();
  std::vector<int> signals = {SIGINT, SIGTERM};
  if (!serve.server.api_key_file.empty()) signals.push_back(SIGHUP);
  Interrupt interrupt(signals);
  const auto start = Now();
  Log log(serve.log_format == "json" ? Log::Format::kJson : Log::Format::kPlain);
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server, Server::Start(serve.server, log));
  interrupt.On(SIGHUP, [&server] { server->ReloadKeys(); });
  const absl::Cleanup forget_server = [&interrupt] { interrupt.On(SIGHUP, nullptr); };
  ASSIGN_OR_RETURN(Engines engines, Load(serve, log));
  for (size_t m = 0; m < engines.size(); ++m) Announce(serve, m, engines[m]->model(), log);
  RETURN_IF_ERROR(server->Serve(std::move(engines)));
  Announce(serve, SecondsSince(start), server->address(), log);
  return ServeUntilSignal(serve, interrupt, *server, log);
}

}  // namespace engine
