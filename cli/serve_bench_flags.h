// The flags of `engine bench serve`, which are vLLM's.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "benchmarks/serve/dataset.h"
#include "benchmarks/serve/http_target.h"
#include "cli/flags.h"
#include "cli/load_report.h"
#include "engine/engine.h"

namespace engine {

struct ServeBenchFlags {
  HttpTargetOptions target;
  std::string host = "127.0.0.1";
  int port = 8000;
  bool insecure = false;
  std::string backend;
  EngineOptions in_process;  // model: empty unless asked for
  DatasetOptions dataset;
  std::vector<float> request_rates = {std::numeric_limits<float>::infinity()};
  std::vector<int> concurrencies = {0};
  float burstiness = 1;
  int num_warmups = 0;
  LoadReport report{.metrics = {"ttft", "tpot", "itl"}};
  bool save_result = false;
  bool save_detailed = false;
  std::string result_dir;
  std::string result_filename;
  std::string output = "text";
  std::string plot;
};

void AddServeBenchFlags(FlagSet& flags, ServeBenchFlags& bench);

// A usage error, or the target filled in: its address, its endpoint and the key of the environment.
absl::Status CompleteServeBenchFlags(ServeBenchFlags& bench);

}  // namespace engine
