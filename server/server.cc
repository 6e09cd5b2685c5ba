#include "server/server.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/thread_name.h"
#include "nlohmann/json.hpp"
#include "server/metrics.h"
#include "server/page/page.h"

namespace engine {
namespace {

constexpr std::chrono::seconds kWatchInterval{1};

HttpHandler Answer(std::string_view content_type, std::function<std::string()> body) {
  return [content_type = std::string(content_type), body = std::move(body)](
             const std::shared_ptr<const HttpRequest>&, const std::shared_ptr<Responder>& responder) {
    responder->Send(200, content_type, body());
  };
}

// Any token does: what counts is that a step runs and samples. The limit of requests is not for this one.
absl::Status GenerateOneToken(Engine& engine) {
  GenerationRequest request{.prompt_tokens = {0}, .timeout_seconds = 600};
  request.sampling.max_tokens = 1;
  request.sampling.ignore_eos = true;
  return Annotate(engine.Generate(request).status(), "the model does not generate");
}

}  // namespace

Server::Server(ServerOptions options, Log& log) : options_(std::move(options)), log_(log) {}

Server::~Server() { Stop(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, Log& log) {
  std::unique_ptr<Server> server(new Server(std::move(options), log));
  RETURN_IF_ERROR(server->Listen());
  return server;
}

absl::Status Server::Listen() {
  ASSIGN_OR_RETURN(keys_, KeyFile::Open(options_.api_keys, options_.api_key_file, log_));
  if (!options_.traces_endpoint.empty()) {
    ASSIGN_OR_RETURN(traces_, TraceExporter::Start(options_.traces_endpoint, options_.version, log_));
  }
  workers_ = std::make_unique<WorkerPool>(options_.worker_threads);
  std::vector<Route> routes = OwnRoutes();
  for (const Route& route : options_.routes({}, nullptr)) routes.push_back(Logged(gate_.Guard(route)));
  HttpOptions http = options_.http;
  http.begin_traces = traces_ != nullptr;
  http.on_access = [this](const AccessRecord& record) { OnAccess(record); };
  ASSIGN_OR_RETURN(
      http_, HttpServer::Start(std::move(http), Router(std::move(routes), keys_->keys(), options_.allowed_origins)));
  listening_ = http_.get();
  if (!options_.http.tls_certificate.empty()) {
    certificate_ =
        std::make_unique<CertificateFiles>(options_.http.tls_certificate, options_.http.tls_key, *http_, log_);
  }
  watch_ = std::jthread([this] { Watch(); });
  return absl::OkStatus();
}

Route Server::Logged(Route route) {
  if (!options_.log_requests) return route;
  route.handler = [this, handler = std::move(route.handler)](std::shared_ptr<const HttpRequest> request,
                                                             std::shared_ptr<Responder> responder) {
    if (!request->body.empty()) log_.Request(*request, options_.max_log_len);
    handler(std::move(request), std::move(responder));
  };
  return route;
}

void Server::ReloadFiles() {
  keys_->Reload();
  if (certificate_ != nullptr) certificate_->Reload();
}

void Server::OnAccess(const AccessRecord& record) {
  http_stats_.Count(record);
  if (traces_ != nullptr) traces_->Add(record);
  const bool is_logged = options_.access_log && std::ranges::find(options_.unlogged_paths, record.request->path) ==
                                                    options_.unlogged_paths.end();
  if (is_logged) log_.Access(record);
}

std::vector<Route> Server::OwnRoutes() {
  std::vector<Route> routes = HealthRoutes(gate_);
  const nlohmann::ordered_json version = {{"version", options_.version}};
  routes.push_back({"GET", "/version", Answer("application/json", [text = version.dump()] { return text; })});
  routes.push_back({"GET", "/metrics", Answer(kMetricsType, [this] { return Metrics(); })});
  // It asks for a key itself, where one is needed for what it shows.
  routes.push_back({"GET", "/", Answer("text/html; charset=utf-8", [] { return std::string(PageHtml()); }), true});
  return routes;
}

std::string Server::Metrics() const {
  const Engines* engines = engines_;
  const HttpServer* listening = listening_;
  MetricsInput input{.version = options_.version,
                     .splits = options_.splits,
                     .http = http_stats_.Read(),
                     .server = listening == nullptr ? HttpServerStats() : listening->stats()};
  if (traces_ != nullptr) input.traces = traces_->counts();
  for (size_t m = 0; m < options_.model_names.size(); ++m) {
    ModelMetrics& model = input.models.emplace_back(ModelMetrics{.name = options_.model_names[m]});
    if (engines == nullptr) continue;
    model.engine = (*engines)[m]->stats();
    model.memory = (*engines)[m]->model().memory;
  }
  return MetricsText(input);
}

absl::Status Server::Serve(Engines engines) {
  ENGINE_CHECK(engines.size() == options_.model_names.size());
  for (size_t m = 0; m < engines.size(); ++m) {
    RETURN_IF_ERROR(Annotate(GenerateOneToken(*engines[m]), options_.model_names[m]));
  }
  owned_engines_ = std::move(engines);
  engines_ = &owned_engines_;
  const Post post = [this](Weight weight, std::function<void()> work) { workers_->Post(weight, std::move(work)); };
  gate_.Open(options_.routes(owned_engines_, post));
  return absl::OkStatus();
}

// The first that is stuck, by its name where there are several.
std::optional<std::string> Server::Look(std::vector<Watchdog>& watchdogs) const {
  const Engines* engines = engines_;
  if (engines == nullptr) return std::nullopt;
  std::optional<std::string> first;
  for (size_t m = 0; m < engines->size(); ++m) {
    std::optional<std::string> reason = watchdogs[m].Look((*engines)[m]->stats(), Now());
    if (reason && engines->size() > 1) reason = options_.model_names[m] + ": " + *reason;
    if (!first) first = std::move(reason);
  }
  return first;
}

void Server::Watch() {
  NameThread("watchdog");
  std::vector<Watchdog> watchdogs(options_.model_names.size(), Watchdog(options_.watchdog_seconds));
  bool was_stalled = false;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kWatchInterval, [&] { return stop_; })) {
    keys_->ReloadIfChanged();
    if (certificate_ != nullptr) certificate_->ReloadIfChanged();
    std::optional<std::string> reason = Look(watchdogs);
    if (reason && !was_stalled) log_.Warn("the engine is stuck: " + *reason);
    if (!reason && was_stalled) log_.Info("the engine works again");
    was_stalled = reason.has_value();
    gate_.SetStalled(std::move(reason));
  }
}

bool Server::Drain(double seconds) {
  gate_.Drain();
  http_->BeginDrain();
  return http_->WaitUntilIdle(std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000)));
}

// HTTP threads and workers call the engine, and the engine's callbacks post to both: so these go last.
void Server::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (watch_.joinable()) watch_.join();
  if (http_ != nullptr) http_->Stop();
  traces_ = nullptr;
  if (workers_ != nullptr) workers_->Stop();
  engines_ = nullptr;
  owned_engines_.clear();
}

}  // namespace engine
