#include <sys/resource.h>

#include <csignal>
#include <future>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/serve_flags.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/clock.h"
#include "engine/version.h"

namespace engine {
namespace {

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

// A connection is a file, and the soft limit is often 1024. Where the hard one is low too, connections beyond it are
// closed as they come: they would wait for others to end, and health checks with them.
void AllowManyConnections(int& max_connections, Log& log) {
  constexpr rlim_t kOwnFiles = 32;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= static_cast<rlim_t>(max_connections) + kOwnFiles) return;
  const int room = limit.rlim_cur > kOwnFiles ? static_cast<int>(limit.rlim_cur - kOwnFiles) : 1;
  log.Warn(
      absl::StrFormat("%d connections at once, not the %d of --max-connections: the process may open %d files "
                      "(ulimit -n)",
                      room, max_connections, limit.rlim_cur));
  max_connections = room;
}

bool IsIgnored(int signal) {
  struct sigaction now{};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

// Until the end is asked for; a second signal ends the program at once.
absl::Status ServeUntil(const std::future<void>& asked, const ServeFlags& serve, Server& server, Log& log) {
  asked.wait();
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
  RETURN_IF_ERROR(CompleteOptions(flags, serve.engine));
  RETURN_IF_ERROR(Complete(serve));

  std::signal(SIGPIPE, SIG_IGN);  // who reads the log may go
  std::vector<int> signals = {SIGINT, SIGTERM};
  const bool has_files = !serve.server.api_key_file.empty() || !serve.server.http.tls_certificate.empty();
  // A hang-up has files read again. Where there are none it asks for the end, as a terminal's does, or nothing (nohup).
  if (has_files || !IsIgnored(SIGHUP)) signals.push_back(SIGHUP);
  std::promise<void> asked;  // for the end, by a signal; outlives who waits for signals
  Interrupt interrupt(signals);
  const auto start = Now();
  Log log(serve.log_format == "json" ? Log::Format::kJson : Log::Format::kPlain);
  for (const std::string& warning : flags.MistypedVariables()) log.Warn(warning);
  AllowManyConnections(serve.server.http.max_connections, log);
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server, Server::Start(serve.server, log));
  if (has_files) interrupt.On(SIGHUP, [&server] { server->ReloadFiles(); });
  const absl::Cleanup forget_server = [&interrupt] { interrupt.On(SIGHUP, nullptr); };
  ASSIGN_OR_RETURN(Engines engines, Load(serve, log));
  for (size_t m = 0; m < engines.size(); ++m) Announce(serve, m, engines[m]->model(), log);
  // From the first request on, a signal lets answers end; before, it ends the program.
  interrupt.Arm([&asked] { asked.set_value(); });
  RETURN_IF_ERROR(server->Serve(std::move(engines)));
  Announce(serve, SecondsSince(start), server->address(), log);
  return ServeUntil(asked.get_future(), serve, *server, log);
}

}  // namespace engine
