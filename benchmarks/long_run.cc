// Whether the engine holds its memory and its speed at full load for minutes: a mix of requests (request_mix.h), as many
// at a time as a step takes, without a pause. Fails where it does not (drift.h).
//
//   long_run --model=FILE [--minutes=10] [--threads=N] [--seed=N]
//
// A line per half minute. The first ones are the warm-up, in which every block of the cache is used once: two, or more where
// the machine is slow. Two at least follow, whatever --minutes says.
#include <algorithm>
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "benchmarks/drift.h"
#include "benchmarks/peaks.h"
#include "benchmarks/request_mix.h"
#include "benchmarks/statistics.h"
#include "core/base/clock.h"
#include "core/base/resident_memory.h"

ABSL_FLAG(std::string, model, "smollm2-135m", "a .gguf file, a directory, a packed file or a pulled name");
ABSL_FLAG(double, minutes, 10, "how long to run; at least 2");
ABSL_FLAG(int, threads, 0, "CPU threads; 0: as many as the process may run on");
ABSL_FLAG(uint64_t, seed, 1, "of the requests' tokens");

namespace engine {
namespace {

constexpr int kSequences = 8;
constexpr double kWindowSeconds = 30;
constexpr size_t kWarmUpWindows = 2;
// The cache has kSequences times the longest request. A round writes two thirds of that.
constexpr int64_t kWarmUpRounds = 3;
// Long beside the probes, short beside the time for which a shared host stays as it is.
constexpr double kSliceSeconds = 0.1;

double ResidentMb() { return static_cast<double>(ResidentNow().total_bytes()) / 1e6; }

class LongRun {
 public:
  // probe_mb: what is resident of the probes' own memory.
  LongRun(BenchModel& model, Roof& roof, Scheduler scheduler, double probe_mb)
      : model_(model),
        probes_(roof, model),
        scheduler_(std::move(scheduler)),
        mix_(model.vocab(), absl::GetFlag(FLAGS_seed)),
        probe_mb_(probe_mb),
        peaks_(probes_.Measure()) {}

  absl::StatusOr<DriftWindow> Window();
  int64_t rounds() const { return mix_.rounds(); }
  double tokens_per_second() const { return static_cast<double>(work_.tokens) / work_.seconds; }

 private:
  absl::StatusOr<StepWork> Slice();

  BenchModel& model_;
  Probes probes_;
  Scheduler scheduler_;
  RequestMix mix_;
  double probe_mb_;
  Peaks peaks_;    // of the last probe
  StepWork work_;  // of the last window
};

absl::StatusOr<StepWork> LongRun::Slice() {
  StepWork work;
  while (work.seconds < kSliceSeconds) {
    while (scheduler_.num_running() + scheduler_.num_waiting() < kSequences) {
      RETURN_IF_ERROR(scheduler_.Add(mix_.Next()));
    }
    RETURN_IF_ERROR(model_.Step(scheduler_, work).status());
  }
  return work;
}

absl::StatusOr<DriftWindow> LongRun::Window() {
  std::vector<double> shares, memory, linears;
  work_ = {};
  for (const TimePoint start = Now(); SecondsSince(start) < kWindowSeconds;) {
    ASSIGN_OR_RETURN(const StepWork work, Slice());
    const Peaks after = probes_.Measure();
    const Peaks between = Between(peaks_, after);
    peaks_ = after;
    work_ += work;
    shares.push_back(LeastSeconds(work, between) / work.seconds);
    memory.push_back(between.memory);
    linears.push_back(between.linears);
  }
  return DriftWindow{.resident_mb = ResidentMb() - probe_mb_,
                     .share = Median(std::move(shares)),
                     .memory = Median(std::move(memory)),
                     .linears = Median(std::move(linears))};
}

absl::Status Measure() {
  const double minutes = absl::GetFlag(FLAGS_minutes);
  if (minutes < 2) return InvalidArgument("--minutes is %g; it must be at least 2", minutes);
  const SpeedTest room{
      .prompt_tokens = RequestMix::kLongestPrompt, .generated_tokens = RequestMix::kLongestAnswer, .batch = kSequences};
  ASSIGN_OR_RETURN(
      const std::unique_ptr<BenchModel> model,
      BenchModel::Create({.model = absl::GetFlag(FLAGS_model), .threads = absl::GetFlag(FLAGS_threads)}, {room}));
  const double model_mb = ResidentMb();
  ASSIGN_OR_RETURN(const std::unique_ptr<Roof> roof, Roof::Create(model->device()));
  const double probe_mb = ResidentMb() - model_mb;
  ASSIGN_OR_RETURN(Scheduler scheduler, model->NewScheduler());
  LongRun run(*model, *roof, std::move(scheduler), probe_mb);
  absl::PrintF("| minute | requests | tok/s | of least time | read GB/s | TOPS | resident MB |\n");
  absl::PrintF("|---:|---:|---:|---:|---:|---:|---:|\n");
  std::vector<DriftWindow> windows;  // after the warm-up
  size_t warm_up = 0;                // windows of it
  for (const TimePoint start = Now(); windows.size() < 2 || SecondsSince(start) < minutes * 60;) {
    const bool is_warm = warm_up >= kWarmUpWindows && run.rounds() >= kWarmUpRounds;
    ASSIGN_OR_RETURN(const DriftWindow last, run.Window());
    if (is_warm) windows.push_back(last);
    if (!is_warm) ++warm_up;
    absl::PrintF("| %.1f | %d | %.1f | %.3f | %.1f | %.2f | %.1f |\n", SecondsSince(start) / 60,
                 run.rounds() * RequestMix::kRound, run.tokens_per_second(), last.share, last.memory / 1e9,
                 last.linears / 1e12, last.resident_mb);
    std::fflush(stdout);
  }
  return CheckDrift(windows);
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = engine::Measure();
  if (!status.ok()) absl::FPrintF(stderr, "long_run: %s\n", engine::Message(status));
  return status.ok() ? 0 : 1;
}
