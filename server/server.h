// A running server: from options to answers, over the engines of its models.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "server/certificate_files.h"
#include "server/gate.h"
#include "server/http/http_server.h"
#include "server/http/post.h"
#include "server/http_stats.h"
#include "server/key_file.h"
#include "server/log.h"
#include "server/trace_export.h"
#include "server/traffic/traffic_split.h"
#include "server/watchdog.h"
#include "server/worker_pool.h"

namespace engine {

using Engines = std::vector<std::unique_ptr<Engine>>;

struct ServerOptions {
  HttpOptions http;
  std::vector<std::string> api_keys;  // none, and no file: everybody is let in
  std::string api_key_file;           // read again when it changes
  std::vector<std::string> allowed_origins;
  std::vector<std::string> model_names;  // in metrics, one for each engine
  std::string version;                   // of this program
  // What clients come for. Called twice: before the engines are there, when only methods and paths count, and with them.
  // post: runs work that takes its time.
  std::function<std::vector<Route>(const Engines& engines, const Post& post)> routes;
  std::vector<std::shared_ptr<TrafficSplit>> splits;  // whose counts /metrics shows; shared with the routes
  int worker_threads = 2;
  double watchdog_seconds = 60;  // without a step, while requests are open
  bool access_log = true;
  std::vector<std::string> unlogged_paths;
  bool log_requests = false;                        // the texts of requests as well, each cut
  static constexpr int64_t kMostLogged = 16 << 10;  // as thousands of lines may wait for who reads the log
  int64_t max_log_len = 1000;                       // behind so many bytes
  std::string traces_endpoint;                      // URL of an OpenTelemetry collector; empty: none
};

class Server {
 public:
  // Listens: /livez answers, everything else says that the model is loading. `log` outlives the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, Log& log);
  ~Server();  // Stop
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Generates a token with each, and opens if that works.
  absl::Status Serve(Engines engines);

  // Reads the files of keys and of TLS again, as if they had changed. Any thread.
  void ReloadFiles();

  // Refuses what is new, and waits for what is under way; false if that has not ended in time.
  bool Drain(double seconds);
  // Cuts what is under way, and ends every thread. Drain and Stop come from one thread.
  void Stop();

  std::string address() const { return http_->address(); }
  int port() const { return http_->port(); }

 private:
  Server(ServerOptions options, Log& log);
  absl::Status Listen();
  std::vector<Route> OwnRoutes();
  Route Logged(Route route);
  std::string Metrics() const;
  void OnAccess(const AccessRecord& record);
  void Watch();
  std::optional<std::string> Look(std::vector<Watchdog>& watchdogs) const;

  ServerOptions options_;
  Log& log_;
  Gate gate_;
  HttpStats http_stats_;
  std::unique_ptr<KeyFile> keys_;
  std::unique_ptr<TraceExporter> traces_;  // null: nobody collects them
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<CertificateFiles> certificate_;       // null: plain
  std::atomic<const HttpServer*> listening_ = nullptr;  // what metrics read: requests come before Start has returned
  std::unique_ptr<WorkerPool> workers_;
  Engines owned_engines_;
  std::atomic<const Engines*> engines_ = nullptr;  // what metrics and watchdog read

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;  // guarded by mutex_
  std::jthread watch_;
};

}  // namespace engine
