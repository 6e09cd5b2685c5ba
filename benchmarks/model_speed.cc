#include "benchmarks/model_speed.h"

#include <algorithm>
#include <cmath>

#include "benchmarks/peaks.h"
#include "benchmarks/speed_run.h"
#include "benchmarks/statistics.h"

namespace engine {
namespace {

// Long beside the probes, short beside the time for which a shared host stays as it is.
constexpr double kSliceSeconds = 0.05;

// One model's figures, a value per slice; `rates` has one per repetition.
struct Samples {
  std::vector<double> rates, slice_rates, bytes, operations, roofs, shares, time_shares;

  void Add(const SpeedTest& test, const StepWork& work, const Peaks& peaks) {
    slice_rates.push_back(static_cast<double>(work.tokens) / work.seconds);
    bytes.push_back(work.bytes / work.seconds);
    operations.push_back(work.layer_operations / work.seconds);
    roofs.push_back(test.reads_prompts() ? peaks.linears : peaks.memory);
    // Divided in the order of LeastSeconds, so that rounding does not lift it above the share of the least time.
    const double measured = test.reads_prompts() ? work.layer_operations : work.bytes;
    shares.push_back(roofs.back() > 0 ? measured / roofs.back() / work.seconds : 0);
    time_shares.push_back(roofs.back() > 0 ? LeastSeconds(work, peaks) / work.seconds : 0);
  }
};

class Measurement {
 public:
  Measurement(std::span<const std::unique_ptr<BenchModel>> models, Roof& roof, const SpeedTest& test)
      : models_(models), probes_(roof, *models[0]), test_(test), samples_(models.size()) {}

  absl::Status Prepare(uint64_t seed);
  absl::Status Repeat();
  std::vector<SpeedResult> Results() const;

 private:
  absl::Status MeasureSlices(std::vector<StepWork>& totals);

  std::span<const std::unique_ptr<BenchModel>> models_;
  Probes probes_;
  SpeedTest test_;
  std::vector<SpeedRun> runs_;
  std::vector<Samples> samples_;
  int64_t slice_steps_ = 1;
};

// A repetition that does not count touches every page, fills caches, and tells how long a step takes.
absl::Status Measurement::Prepare(uint64_t seed) {
  StepWork work;
  for (const std::unique_ptr<BenchModel>& model : models_) {
    ASSIGN_OR_RETURN(SpeedRun run, SpeedRun::Create(*model, test_, seed));
    RETURN_IF_ERROR(run.Begin());
    while (!run.done()) {
      ASSIGN_OR_RETURN(const StepWork step, run.Slice(1));
      work += step;
    }
    runs_.push_back(std::move(run));
  }
  const double step_seconds = work.seconds / static_cast<double>(work.steps);
  slice_steps_ = std::max<int64_t>(1, std::llround(kSliceSeconds / step_seconds));
  return absl::OkStatus();
}

// Each round begins with another model, lest the same one always follow the same.
absl::Status Measurement::MeasureSlices(std::vector<StepWork>& totals) {
  Peaks before = probes_.Measure();
  for (size_t round = 0; !runs_[round % runs_.size()].done(); ++round) {
    for (size_t i = 0; i < runs_.size(); ++i) {
      const size_t m = (round + i) % runs_.size();
      ASSIGN_OR_RETURN(const StepWork work, runs_[m].Slice(slice_steps_));
      const Peaks after = probes_.Measure();
      samples_[m].Add(test_, work, Between(before, after));
      totals[m] += work;
      before = after;
    }
  }
  return absl::OkStatus();
}

absl::Status Measurement::Repeat() {
  for (SpeedRun& run : runs_) RETURN_IF_ERROR(run.Begin());
  std::vector<StepWork> totals(runs_.size());
  RETURN_IF_ERROR(MeasureSlices(totals));
  for (size_t m = 0; m < runs_.size(); ++m) {
    samples_[m].rates.push_back(static_cast<double>(totals[m].tokens) / totals[m].seconds);
  }
  return absl::OkStatus();
}

std::vector<SpeedResult> Measurement::Results() const {
  std::vector<SpeedResult> results;
  for (size_t m = 0; m < models_.size(); ++m) {
    const Samples& samples = samples_[m];
    std::vector<double> ratios;
    for (size_t i = 0; i < samples.slice_rates.size(); ++i) {
      ratios.push_back(samples.slice_rates[i] / samples_[0].slice_rates[i]);
    }
    const DeviceInfo& device = models_[m]->device().info();
    results.push_back({.test = test_,
                       .device = models_[m]->device_name(),
                       .isa = device.isa,
                       .weight_bytes = models_[m]->weight_bytes(),
                       .numerics = models_[m]->numerics(),
                       .threads = device.workers,
                       .tokens_per_second = Mean(samples.rates),
                       .deviation = Deviation(samples.rates),
                       .bytes_per_second = Median(samples.bytes),
                       .operations_per_second = Median(samples.operations),
                       .roof = Median(samples.roofs),
                       .share = Median(samples.shares),
                       .time_share = Median(samples.time_shares),
                       .speed_ratio = Median(ratios)});
  }
  return results;
}

}  // namespace

absl::StatusOr<std::vector<SpeedResult>> MeasureSpeed(std::span<const std::unique_ptr<BenchModel>> models, Roof& roof,
                                                      const SpeedTest& test, int repetitions, uint64_t seed) {
  Measurement measurement(models, roof, test);
  RETURN_IF_ERROR(measurement.Prepare(seed));
  for (int r = 0; r < repetitions; ++r) RETURN_IF_ERROR(measurement.Repeat());
  return measurement.Results();
}

}  // namespace engine
