// engine_worker MODEL THREADS CONTEXT SEQUENCES KV_DTYPE: our engine as benchmarks/compare talks to every engine
// (worker.py). It loads the model and says so in a line of JSON; then it answers lines on standard input,
// {"prompts": [[id, …], …], "generate": n, "speculate": whether}.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>

#include "absl/strings/str_format.h"
#include "core/base/clock.h"
#include "engine/engine.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::json;

// When the tokens of requests that run together came. Callbacks come from the engine's output thread.
class Arrivals {
 public:
  explicit Arrivals(size_t requests) : counts_(requests) {}

  void Add(size_t request, const GenerationUpdate& update) {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < update.tokens.size(); ++i) {
      if (counts_[request]++ == 0 && ++started_ == counts_.size()) {
        all_started_ = Now();
      } else if (started_ == counts_.size()) {
        ++rest_tokens_;
      }
    }
    if (update.finish == Finish::kNone) return;
    if (!update.error.ok()) error_ = update.error;
    if (++ended_ == counts_.size()) all_ended_.notify_one();
    end_ = Now();
  }

  absl::StatusOr<Json> Wait(TimePoint start) {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return ended_ == counts_.size(); });
    RETURN_IF_ERROR(error_);
    return Json{{"first_seconds", Seconds(start, all_started_)},
                {"rest_seconds", Seconds(all_started_, end_)},
                {"rest_tokens", rest_tokens_}};
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_ended_;
  std::vector<int64_t> counts_;  // tokens of each request
  size_t started_ = 0;           // requests that have a token
  size_t ended_ = 0;
  int64_t rest_tokens_ = 0;
  TimePoint all_started_, end_;
  absl::Status error_;
};

absl::StatusOr<Json> Run(Engine& engine, const Json& command) {
  const Json& prompts = command["prompts"];
  GenerationRequest request;
  request.sampling = {.temperature = 0, .ignore_eos = true, .max_tokens = command["generate"].get<int>()};
  if (!command.value("speculate", false)) request.num_speculative_tokens = 0;
  // Shared: a request that is refused ends this function while those before it still call.
  const auto arrivals = std::make_shared<Arrivals>(prompts.size());
  const TimePoint start = Now();
  for (size_t i = 0; i < prompts.size(); ++i) {
    request.prompt_tokens = prompts[i].get<std::vector<int32_t>>();
    const auto id = engine.Submit(request, [arrivals, i](const GenerationUpdate& update) { arrivals->Add(i, update); });
    if (!id.ok()) return id.status();
  }
  return arrivals->Wait(start);
}

void Print(const Json& line) {
  std::puts(line.dump().c_str());
  std::fflush(stdout);
}

absl::Status Work(char** argv) {
  const TimePoint start = Now();
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::Create({.model = argv[1],
                                                                         .device = "cpu",
                                                                         .threads = std::atoi(argv[2]),
                                                                         .max_model_len = std::atoi(argv[3]),
                                                                         .max_num_seqs = std::atoi(argv[4]),
                                                                         .prefill_share = 1,  // nobody reads along
                                                                         .kv_cache_dtype = argv[5]}));
  Print({{"load_seconds", SecondsSince(start)}});
  for (std::string line; std::getline(std::cin, line);) {
    const Json command = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!command.contains("prompts") || !command.contains("generate")) return InvalidArgument("no command: %s", line);
    ASSIGN_OR_RETURN(const Json reply, Run(*engine, command));
    Print(reply);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  if (argc != 6) {
    absl::FPrintF(stderr, "usage: engine_worker MODEL THREADS CONTEXT SEQUENCES KV_DTYPE\n");
    return 2;
  }
  const absl::Status status = engine::Work(argv);
  if (!status.ok()) absl::FPrintF(stderr, "engine_worker: %s\n", engine::Message(status));
  return status.ok() ? 0 : 1;
}
