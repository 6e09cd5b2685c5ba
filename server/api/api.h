// The inference endpoints: what a client asks, read, run and answered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/http/handler.h"
#include "server/http/post.h"
#include "server/traffic/traffic_split.h"

namespace engine {

// A name that requests may give as "model".
struct ServedModel {
  std::string name;
  Engine* engine = nullptr;  // outlives every request
  std::string alias = {};    // another name that is taken, and not listed; empty: none
};

struct ApiOptions {
  std::vector<ServedModel> models;  // the first answers requests that name none
  // More names, behind which several of these stand; shared with who reads their counts.
  std::vector<std::shared_ptr<TrafficSplit>> splits;
  bool lenient = false;  // unknown and unsupported fields are ignored, with a warning in the answer
  std::string version;   // of this program
  Post post;             // for reading a request, rendering and encoding its prompt
};

// In the order in which documentation lists them.
std::vector<Route> ApiRoutes(ApiOptions options);

}  // namespace engine
