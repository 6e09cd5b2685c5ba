#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <future>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/engine_flags.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/clock.h"
#include "engine/version.h"
#include "server/api/api.h"
#include "server/server.h"

namespace engine {
namespace {

struct ServeFlags {
  EngineOptions engine{.model = kDefaultModel, .max_queued_requests = 1024};
  ServerOptions server{.http = {.host = "0.0.0.0"}};
  std::vector<std::string> names;
  std::string key_file;
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

void AddServeFlags(FlagSet& flags, ServeFlags& serve) {
  AddModelFlag(flags, serve.engine.model);
  AddAddressFlags(flags, serve.server.http);
  flags.Add({"--served-model-name,--model-name,--alias,-a", "NAME",
             "name of the model for clients; once for each name it has (default: the end of its path)"},
            serve.names);
  flags.Add({"--api-key,--api-keys", "KEY", "let in only who sends this key; once for each key"},
            serve.server.api_keys);
  flags.Add({"--api-key-file", "FILE", "more keys, one per line"}, serve.key_file);
  flags.Add({"--allowed-origins,--allow-origins", "ORIGIN", "let pages of this origin call (CORS); *: all"},
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
  flags.Add({"--disable-access-log-for-endpoints", "PATH", "but none of this path; once for each path"},
            serve.server.unlogged_paths);
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
  if (!serve.key_file.empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> keys, ApiKeys::ReadFile(serve.key_file));
    serve.server.api_keys.insert(serve.server.api_keys.end(), keys.begin(), keys.end());
  }
  if (serve.names.empty()) {
    std::filesystem::path path(serve.engine.model);
    if (path.filename().empty()) path = path.parent_path();  // "model/"
    serve.names = {path.filename().string()};
  }
  serve.server.model_name = serve.names.front();
  serve.server.version = Version();
  serve.server.routes = [names = serve.names, lenient = serve.api_compat == "lenient"](Engine* engine,
                                                                                       const Post& post) {
    ApiOptions api{.lenient = lenient, .version = std::string(Version()), .post = post};
    for (const std::string& name : names) api.models.push_back({name, engine});
    return ApiRoutes(std::move(api));
  };
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Engine>> Load(const ServeFlags& serve, Log& log) {
  Progress progress("loading " + serve.engine.model);
  EngineOptions options = serve.engine;
  options.load_progress = [&progress](int64_t done, int64_t total) { progress.Update(done, total); };
  options.warn = [&log](const std::string& line) { log.Warn(line); };
  return Engine::Create(options);
}

void Announce(const ServeFlags& serve, const ModelInfo& model, double seconds, const std::string& address, Log& log) {
  log.Info(
      absl::StrFormat("%s: %s, %s, %.1f MB of weights, %.1f MB of KV cache; %d requests at once, %d more may wait, "
                      "context %d",
                      model.path, model.architecture, model.weight_format,
                      static_cast<double>(model.weight_bytes) / 1e6, static_cast<double>(model.kv_cache_bytes) / 1e6,
                      serve.engine.max_num_seqs, serve.engine.max_queued_requests, model.max_model_len));
  const HttpOptions& http = serve.server.http;
  const bool is_local =
      !http.unix_socket.empty() || http.host == "127.0.0.1" || http.host == "localhost" || http.host == "::1";
  if (serve.server.api_keys.empty() && !is_local) {
    log.Warn("no API key is asked for: whoever reaches this address may use the model (--api-key, --host 127.0.0.1)");
  }
  log.Info(absl::StrFormat("engine %s serves %s on %s after %.2f s", Version(), absl::StrJoin(serve.names, ", "),
                           address, seconds));
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
  FlagSet flags("engine serve [MODEL]", "Answers over HTTP, as OpenAI's API does, until SIGTERM or Ctrl-C.");
  AddServeFlags(flags, serve);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(Complete(serve));

  AllowManyConnections();
  Interrupt interrupt({SIGINT, SIGTERM});
  const auto start = Now();
  Log log(serve.log_format == "json" ? Log::Format::kJson : Log::Format::kPlain);
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server, Server::Start(serve.server, log));
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Load(serve, log));
  const ModelInfo model = engine->model();
  RETURN_IF_ERROR(server->Serve(std::move(engine)));
  Announce(serve, model, SecondsSince(start), server->address(), log);
  return ServeUntilSignal(serve, interrupt, *server, log);
}

}  // namespace engine
