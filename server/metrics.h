// /metrics: every value under a name of ours and, where vLLM has one that means the same, under that too, so that
// dashboards and autoscalers made for vLLM work as they are.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/http_stats.h"
#include "server/trace_export.h"
#include "server/traffic/traffic_split.h"

namespace engine {

struct ModelMetrics {
  std::string name;
  EngineStats engine;
  MemoryPlan memory;
};

struct MetricsInput {
  std::string version;
  std::vector<ModelMetrics> models;
  std::vector<std::shared_ptr<TrafficSplit>> splits;  // the server's
  HttpStats::Counts http;
  HttpServerStats server;
  std::optional<TraceExporter::Counts> traces;  // none are exported
};

std::string MetricsText(const MetricsInput& input);

inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace engine
