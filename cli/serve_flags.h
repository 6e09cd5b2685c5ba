// What `engine serve` is asked for.
#pragma once

#include <string>
#include <vector>

#include "cli/engine_flags.h"
#include "cli/served_models.h"
#include "server/server.h"

namespace engine {

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

void AddServeFlags(FlagSet& flags, ServeFlags& serve);

// What follows from the flags, once they are read. `serve` must outlive the server.
absl::Status Complete(ServeFlags& serve);

}  // namespace engine
