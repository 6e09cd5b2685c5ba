// A running server: from options to answers, over one engine.
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
#include "server/gate.h"
#include "server/http/http_server.h"
#include "server/http_stats.h"
#include "server/log.h"
#include "server/worker_pool.h"

namespace engine {

using Post = std::function<void(std::function<void()> work)>;

struct ServerOptions {
  HttpOptions http;
  std::vector<std::string> api_keys;  // none: everybody is let in
  std::vector<std::string> allowed_origins;
  std::string model_name;  // in metrics
  std::string version;     // of this program
  // What clients come for. Called twice: before the engine is there, when only methods and paths count, and with it.
  // post: runs work that takes its time.
  std::function<std::vector<Route>(Engine* engine, const Post& post)> routes;
  int worker_threads = 2;
  double watchdog_seconds = 60;  // without a step, while requests are open
  bool access_log = true;
  std::vector<std::string> unlogged_paths;
};

class Server {
 public:
  // Listens: /livez answers, everything else says that the model is loading. `log` outlives the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, Log& log);
  ~Server();  // Stop
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Generates a token, and opens if that works.
  absl::Status Serve(std::unique_ptr<Engine> engine);

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
  std::string Metrics() const;
  void Watch();

  ServerOptions options_;
  Log& log_;
  Gate gate_;
  HttpStats http_stats_;
  std::unique_ptr<HttpServer> http_;
  std::atomic<const HttpServer*> listening_ = nullptr;  // what metrics read: requests come before Start has returned
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<Engine> owned_engine_;
  std::atomic<const Engine*> engine_ = nullptr;  // what metrics and watchdog read

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;  // guarded by mutex_
  std::jthread watch_;
};

}  // namespace engine
