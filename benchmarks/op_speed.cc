#include "benchmarks/op_speed.h"

#include <algorithm>

#include "backends/backends.h"
#include "benchmarks/prepared_op.h"
#include "benchmarks/statistics.h"
#include "core/base/clock.h"

namespace engine {
namespace {

// A repetition lasts this long, as long as the probes around it take together with room.
constexpr double kPassSeconds = 0.01;

// Launches in a row; they go on where the last pass stopped.
class Pass {
 public:
  // `stream` is a GPU's, or null: then `roof` has the team.
  Pass(const PreparedOp& op, Roof& roof, Stream* stream, Clock clock)
      : op_(op), roof_(roof), stream_(stream), clock_(clock) {}

  // Of one launch.
  absl::StatusOr<double> Seconds(int64_t launches) {
    ASSIGN_OR_RETURN(const double seconds, stream_ == nullptr ? OnTeam(launches) : OnStream(launches));
    first_ += launches;
    return seconds / static_cast<double>(launches);
  }

 private:
  // With a barrier between launches, as in a program.
  absl::StatusOr<double> OnTeam(int64_t launches) {
    return TimedRun(roof_.team(), clock_, [&](Worker& worker) {
      for (int64_t i = 0; i < launches; ++i) {
        if (i > 0) worker.Barrier();
        op_.Launch(first_ + i, worker);
      }
    });
  }
  absl::StatusOr<double> OnStream(int64_t launches) {
    Worker worker(0, 1, nullptr);
    const TimePoint start = Now();
    for (int64_t i = 0; i < launches; ++i) op_.Launch(first_ + i, worker, stream_);
    ASSIGN_OR_RETURN(const uint64_t ticket, stream_->Record());
    RETURN_IF_ERROR(stream_->Wait(ticket));
    return SecondsSince(start);
  }

  const PreparedOp& op_;
  Roof& roof_;
  Stream* stream_;
  Clock clock_;
  int64_t first_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OpSpeed>> OpSpeed::Create(std::string_view device, const OpSpeedOptions& options) {
  std::unique_ptr<OpSpeed> speed(new OpSpeed(options));
  ASSIGN_OR_RETURN(speed->device_, OpenDevice(device, {.threads = options.threads}));
  if (!speed->device().reads_host_memory) {
    if (options.clock == Clock::kThreads)
      return InvalidArgument("%s has no threads whose time could be counted", device);
    ASSIGN_OR_RETURN(speed->stream_, speed->device_->CreateStream());
  }
  ASSIGN_OR_RETURN(speed->roof_, Roof::Create(*speed->device_));
  // Weights and caches of all launches together, which decode walks through as a model does.
  const int64_t copy_bytes = options.copy_bytes > 0 ? options.copy_bytes : UncachedBytes(speed->device());
  ASSIGN_OR_RETURN(speed->copies_, speed->device_->Allocate(copy_bytes, MemoryKind::kDevice));
  RegisterKernels(speed->registry_);
  return speed;
}

std::vector<std::string> OpSpeed::EntriesFor(const OpLoad& load) const {
  std::vector<std::string> names;
  for (const KernelEntry* entry : registry_.Entries(device_->info().kind, load.op.name())) {
    if (entry->name != kReferenceName && PreparedOp::Supports(load, *entry, device_->info(), options_.level).ok()) {
      names.emplace_back(entry->name);
    }
  }
  return names;
}

absl::StatusOr<OpResult> OpSpeed::Measure(const OpLoad& load, std::string_view entry) {
  ASSIGN_OR_RETURN(const PreparedOp op, PreparedOp::Create(load, registry_, *device_, options_.level, entry, copies_));
  const auto bytes = static_cast<double>(op.work().bytes);
  const auto operations = static_cast<double>(op.work().operations);
  Pass pass(op, *roof_, stream_.get(), options_.clock);
  RETURN_IF_ERROR(pass.Seconds(1).status());  // touches outputs and scratch
  ASSIGN_OR_RETURN(const double once, pass.Seconds(1));
  const auto launches = std::max<int64_t>(1, static_cast<int64_t>(kPassSeconds / once));

  std::vector<double> times, memory, compute, shares;
  const auto probe = [&] {
    memory.push_back(roof_->Measure(Limit::kMemory, options_.clock));
    compute.push_back(roof_->Measure(load.limit, options_.clock));
  };
  probe();
  for (int r = 0; r < options_.repetitions; ++r) {
    ASSIGN_OR_RETURN(times.emplace_back(), pass.Seconds(launches));
    probe();
    const double reading = bytes * 2 / (memory[r] + memory[r + 1]);
    const double computing = operations * 2 / (compute[r] + compute[r + 1]);
    shares.push_back(std::max(reading, computing) / times.back());
  }
  return OpResult{.op = std::string(load.op.name()),
                  .entry = std::string(op.entry().name),
                  .format = load.format,
                  .shape = load.shape,
                  .rows = load.rows,
                  .work = op.work(),
                  .limit = load.limit,
                  .seconds = Median(times),
                  .memory_roof = Median(memory),
                  .compute_roof = Median(compute),
                  .memory_bound = bytes / Median(memory) >= operations / Median(compute),
                  .share = Median(shares)};
}

}  // namespace engine
