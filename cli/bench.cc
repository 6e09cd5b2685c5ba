#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "benchmarks/model_speed.h"
#include "cli/engine_flags.h"
#include "cli/progress.h"
#include "cli/speed_table.h"
#include "cli/usage.h"
#include "cli/verbs.h"

namespace engine {
namespace {

struct BenchFlags {
  EngineOptions options{.model = kDefaultModel};
  std::vector<int> prompts = {512};
  std::vector<int> generations = {128};
  std::vector<int> batches = {1};
  std::vector<int> depths = {0};
  std::vector<std::string> devices = {"cpu"};
  std::vector<int> threads = {0};
  std::vector<Numerics> numerics = {Numerics::kInvariant};
  bool first_token = false;
  int repetitions = 3;
  uint64_t seed = 1;
  std::string output = "md";
};

void AddBenchFlags(FlagSet& flags, BenchFlags& bench) {
  AddModelFlag(flags, bench.options.model);
  flags.Add({"--n-prompt,-p", "N,...", "prompt lengths to read (512); 0: none"}, bench.prompts);
  flags.Add({"--n-gen,-n", "N,...", "tokens to make (128); 0: none"}, bench.generations);
  flags.Add({"--batch-sizes,-b", "N,...", "sequences at once (1)"}, bench.batches);
  flags.Add({"--n-depth,-d", "N,...", "tokens in the cache before (0)"}, bench.depths);
  flags.Add({"--threads,-t", "N,...", "CPU threads; 0: as many as the process may run on (0)"}, bench.threads);
  flags.Add({"--ttft", "", "also time the first token of a short prompt: of the first request and of later ones"},
            bench.first_token);
  flags.Add({"--repetitions,-r", "N", "timed runs of each test, each interleaved with probes of the machine (3)"},
            bench.repetitions);
  flags.Add({"--seed,-s", "N", "of the random prompts (1)"}, bench.seed);
  AddTableFlag(flags, bench.output);
  AddTensorParallelFlag(flags, bench.options.tensor_parallel_size);
  AddNumericsFlag(flags, bench.numerics);
  AddKvCacheFlag(flags, bench.options);
  flags.AddReader(
      {"--device", "NAME,...", "what to run on (cpu); of several, those that are not there are rows with the reason"},
      [&bench](const std::string& names) {
        const std::vector<std::string> parts = absl::StrSplit(names, ',');
        bench.devices.insert(bench.devices.end(), parts.begin(), parts.end());
        return absl::OkStatus();
      },
      [&bench] { bench.devices.clear(); });
  flags.Add({"--max-num-batched-tokens", "N", "tokens of one step"}, bench.options.max_num_batched_tokens);
}

absl::Status CheckFlags(const BenchFlags& bench) {
  const auto below = [](const std::vector<int>& values, int least) { return std::ranges::min(values) < least; };
  if (below(bench.prompts, 0)) return UsageError("--n-prompt must be at least 0");
  if (below(bench.generations, 0)) return UsageError("--n-gen must be at least 0");
  if (below(bench.depths, 0)) return UsageError("--n-depth must be at least 0");
  if (below(bench.batches, 1)) return UsageError("--batch-sizes must be at least 1");
  if (bench.repetitions < 1) return UsageError("--repetitions is %d; it must be at least 1", bench.repetitions);
  return absl::OkStatus();
}

std::vector<SpeedTest> ListTests(const BenchFlags& bench) {
  std::vector<SpeedTest> tests;
  for (const int depth : bench.depths) {
    for (const int batch : bench.batches) {
      for (const int tokens : bench.prompts) {
        if (tokens > 0) tests.push_back({.prompt_tokens = tokens, .batch = batch, .depth = depth});
      }
      for (const int tokens : bench.generations) {
        if (tokens > 0) tests.push_back({.generated_tokens = tokens, .batch = batch, .depth = depth});
      }
    }
  }
  return tests;
}

// The same model with as many threads at each level of numerics.
absl::StatusOr<std::vector<std::unique_ptr<BenchModel>>> OpenModels(const BenchFlags& bench, const std::string& device,
                                                                    int threads, const std::vector<SpeedTest>& tests) {
  std::vector<std::unique_ptr<BenchModel>> models;
  EngineOptions options = bench.options;
  options.device = device;
  options.threads = threads;
  for (const Numerics level : bench.numerics) {
    options.numerics = level;
    ASSIGN_OR_RETURN(models.emplace_back(), BenchModel::Create(options, tests));
  }
  return models;
}

absl::Status TimeFirstToken(const BenchFlags& bench, SpeedTable& table) {
  constexpr int kPromptTokens = 32;  // short, so that whatever is added to the step shows
  EngineOptions options = bench.options;
  options.device = bench.devices[0];
  options.threads = bench.threads[0];
  options.numerics = bench.numerics[0];
  ASSIGN_OR_RETURN(table.first_token, MeasureFirstToken(options, kPromptTokens, bench.repetitions, bench.seed));
  return absl::OkStatus();
}

// Threads are a CPU's: elsewhere their first number stands for all.
absl::Status MeasureDevice(const BenchFlags& bench, const std::string& device, const std::vector<SpeedTest>& tests,
                           Progress& progress, SpeedTable& table) {
  for (const int threads : bench.threads) {
    ASSIGN_OR_RETURN(const auto models, OpenModels(bench, device, threads, tests));
    ASSIGN_OR_RETURN(const std::unique_ptr<Roof> roof, Roof::Create(models[0]->device()));
    table.weight_format = Name(models[0]->weight_dtype());
    for (const SpeedTest& test : tests) {
      progress.Update(
          static_cast<int64_t>(table.rows.size()),
          static_cast<int64_t>(tests.size() * bench.devices.size() * bench.threads.size() * bench.numerics.size()));
      ASSIGN_OR_RETURN(const std::vector<SpeedResult> rows,
                       MeasureSpeed(models, *roof, test, bench.repetitions, bench.seed));
      table.rows.insert(table.rows.end(), rows.begin(), rows.end());
    }
    if (!models[0]->device().info().reads_host_memory) return absl::OkStatus();
  }
  return absl::OkStatus();
}

// A device that is not there is an error if no other is.
absl::Status MeasureAll(const BenchFlags& bench, const std::vector<SpeedTest>& tests, SpeedTable& table) {
  Progress progress("measuring " + bench.options.model);
  for (const std::string& device : bench.devices) {
    absl::Status measured = MeasureDevice(bench, device, tests, progress, table);
    if (measured.ok() && bench.first_token && &device == &bench.devices.front()) {
      measured = TimeFirstToken(bench, table);
    }
    if (bench.devices.size() == 1) return measured;
    if (!measured.ok()) table.missing.emplace_back(device, Message(measured));
  }
  if (table.missing.size() < bench.devices.size()) return absl::OkStatus();
  return FailedPrecondition("no device could be measured; %s: %s", table.missing[0].first, table.missing[0].second);
}

}  // namespace

absl::Status BenchVerb(Arguments arguments) {
  if (!arguments.empty() && arguments.front() == "ops") return BenchOpsVerb(arguments.subspan(1));
  if (!arguments.empty() && arguments.front() == "serve") return BenchServeVerb(arguments.subspan(1));
  BenchFlags bench;
  FlagSet flags("engine bench [MODEL]",
                "Measures tokens per second, and the share of what the machine can do at the same moment:\n"
                "of memory bandwidth where tokens are made (tg), of dot products where prompts are read (pp).\n"
                "`engine bench ops --help`: kernels alone; `engine bench serve --help`: a server under load.");
  AddBenchFlags(flags, bench);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(CheckFlags(bench));
  const std::vector<SpeedTest> tests = ListTests(bench);
  if (tests.empty() && !bench.first_token) {
    return UsageError("nothing to measure: give --ttft, or --n-prompt or --n-gen above 0");
  }
  absl::FPrintF(stderr, "seed %d\n", bench.seed);
  SpeedTable table{.model = std::filesystem::path(bench.options.model).filename().string(),
                   .seed = bench.seed,
                   .compares_numerics = bench.numerics.size() > 1};
  const absl::Status measured = MeasureAll(bench, tests, table);
  if (!table.rows.empty() || !table.missing.empty() || table.first_token) PrintSpeed(table, bench.output);
  return measured;
}

}  // namespace engine
