// How soon a model is ready, what it keeps resident, and whether its first request is slower than its tenth.
//
//   load_bench --model=FILE [--threads=N] [--cold] [--phases]
//
// --cold drops the file from the page cache first. --phases loads step by step instead, with the time and the resident
// memory of each. One process is one measurement: memory that an earlier load returned would flatter the next.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <random>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "core/base/clock.h"
#include "core/base/resident_memory.h"
#include "core/base/thread_team.h"
#include "engine/model_path.h"
#include "engine/model_text.h"
#include "engine/open_model.h"

ABSL_FLAG(std::string, model, "smollm2-135m", "a .gguf file, a directory, a packed file or a pulled name");
ABSL_FLAG(int, threads, 0, "CPU threads; 0: as many as the process may run on");
ABSL_FLAG(int, prompt, 32, "tokens of each request's prompt");
ABSL_FLAG(int, requests, 10, "requests, one after the other");
ABSL_FLAG(bool, cold, false, "drop the model's file from the page cache first");
ABSL_FLAG(bool, phases, false, "load step by step, and tell the time and the memory of each");

namespace engine {
namespace {

double Megabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

double MillisecondsSince(TimePoint start) { return SecondsSince(start) * 1e3; }

void DropFromCache(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ::fdatasync(fd);  // dirty pages stay
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

// Bytes per second with which all threads together copy memory that is there: what packing is measured against.
double CopyRate(int threads) {
  constexpr size_t kBytes = size_t{256} << 20;
  constexpr int64_t kParts = 256;
  const std::vector<std::byte> from(kBytes, std::byte{1});
  std::vector<std::byte> to(kBytes, std::byte{2});
  const auto team = ThreadTeam::Create({.num_threads = threads});
  if (!team.ok()) return 0;
  double best = 0;
  for (int repetition = 0; repetition < 5; ++repetition) {
    const auto start = Now();
    (*team)->Run([&](Worker& worker) {
      worker.ForEach(kParts, 1, [&](int64_t begin, int64_t end) {
        std::memcpy(to.data() + begin * kBytes / kParts, from.data() + begin * kBytes / kParts,
                    (end - begin) * kBytes / kParts);
      });
    });
    best = std::max(best, kBytes / SecondsSince(start));
  }
  return best;
}

class Phases {
 public:
  void Print(const char* name) {
    const double milliseconds = MillisecondsSince(start_);
    const ResidentMemory now = ResidentNow();
    absl::PrintF("| %-9s | %8.1f | %+8.1f | %+8.1f |\n", name, milliseconds,
                 Megabytes(now.anonymous_bytes - before_.anonymous_bytes),
                 Megabytes(now.file_bytes - before_.file_bytes));
    before_ = now;
    start_ = Now();
  }

 private:
  ResidentMemory before_ = ResidentNow();
  TimePoint start_ = Now();
};

absl::Status RunPhases(const EngineOptions& options) {
  absl::PrintF("| phase     |       ms |  anon MB |  file MB |\n|---|---:|---:|---:|\n");
  Phases phases;
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(options));
  phases.Print("open");
  ASSIGN_OR_RETURN(const ModelText text, LoadModelText(*opened.checkpoint));
  phases.Print("text");
  opened.options.vocab = std::min(text.tokenizer->vocab_size(), opened.config.vocab);
  RETURN_IF_ERROR(CompileModel(opened).status());
  phases.Print("compile");
  const auto start = Now();
  ASSIGN_OR_RETURN(const LoadedModel model, LoadModel(opened));
  const double seconds = SecondsSince(start);
  phases.Print("load");
  const WeightStore& weights = model.runner->weights();
  const double copy = CopyRate(opened.device().info().workers);
  absl::PrintF(
      "\n%.1f MB packed, %.1f MB in place; %.2f GB/s of packed weights (compiling again included), %.2f of half the "
      "memory copy's %.2f GB/s\n",
      weights.packed_bytes() / 1e6, weights.mapped_bytes() / 1e6, weights.packed_bytes() / 1e9 / seconds,
      weights.packed_bytes() / seconds / (copy / 2), copy / 1e9);
  return absl::OkStatus();
}

// Times of one request: to its first token, and from token to token.
struct RequestTimes {
  double first_ms = 0;
  double second_ms = 0;  // from the first token to the second
  double rest_ms = 0;    // mean of those after
};

absl::StatusOr<RequestTimes> TimeRequest(Engine& engine, uint64_t seed) {
  constexpr int kTokens = 12;
  std::mt19937_64 random(seed);
  GenerationRequest request{.sampling = {.temperature = 0, .ignore_eos = true, .max_tokens = kTokens}};
  for (int t = 0; t < absl::GetFlag(FLAGS_prompt); ++t) request.prompt_tokens.push_back(100 + random() % 5000);
  std::vector<double> at;
  std::atomic<bool> finished{false};
  const auto start = Now();
  RETURN_IF_ERROR(engine
                      .Submit(request,
                              [&](const GenerationUpdate& update) {
                                for (size_t t = 0; t < update.tokens.size(); ++t)
                                  at.push_back(MillisecondsSince(start));
                                if (update.finish == Finish::kNone) return;
                                finished = true;
                                finished.notify_one();
                              })
                      .status());
  finished.wait(false);
  if (at.size() != kTokens) return absl::InternalError("a request ended early");
  return RequestTimes{at[0], at[1] - at[0], (at.back() - at[1]) / (kTokens - 2)};
}

absl::Status RunWhole(EngineOptions options) {
  options.enable_prefix_caching = false;
  const auto start = Now();
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Engine::Create(options));
  const double ready = MillisecondsSince(start);
  const ModelInfo& model = engine->model();
  const double weights = Megabytes(model.weight_bytes);
  const ResidentMemory loaded = ResidentNow();
  absl::PrintF("ready in %.1f ms; %.1f MB of weights, resident %.1f MB anonymous and %.1f MB of files\n", ready,
               weights, Megabytes(loaded.anonymous_bytes), Megabytes(loaded.file_bytes));
  absl::PrintF("\n| request | first token ms | second ms | later ms |\n|---:|---:|---:|---:|\n");
  for (int r = 0; r < absl::GetFlag(FLAGS_requests); ++r) {
    ASSIGN_OR_RETURN(const RequestTimes times, TimeRequest(*engine, r));
    absl::PrintF("| %d | %.2f | %.2f | %.2f |\n", r + 1, times.first_ms, times.second_ms, times.rest_ms);
  }
  const ResidentMemory resident = ResidentNow();
  absl::PrintF(
      "\nafter the last request: resident %.1f MB anonymous and %.1f MB of files; %.1f MB beside the weights\n",
      Megabytes(resident.anonymous_bytes), Megabytes(resident.file_bytes), Megabytes(resident.total_bytes()) - weights);
  return absl::OkStatus();
}

absl::Status Measure() {
  const EngineOptions options{.model = absl::GetFlag(FLAGS_model), .threads = absl::GetFlag(FLAGS_threads)};
  ASSIGN_OR_RETURN(const std::string path, ResolveModel(options.model));
  if (absl::GetFlag(FLAGS_cold)) DropFromCache(path);
  return absl::GetFlag(FLAGS_phases) ? RunPhases(options) : RunWhole(options);
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = engine::Measure();
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "load_bench: %s\n", engine::Message(status));
  return 1;
}
