// /metrics: every value under a name of ours and, where vLLM has one that means the same, under that too, so that
// dashboards and autoscalers made for vLLM work as they are.
#pragma once

#include <string>

#include "engine/engine.h"
#include "server/http_stats.h"

namespace engine {

struct MetricsInput {
  std::string model_name;
  std::string version;
  EngineStats engine;
  HttpStats::Counts http;
  HttpServerStats server;
};

std::string MetricsText(const MetricsInput& input);

inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace engine
