#include "backends/cpu/cpu_device.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "absl/strings/str_format.h"
#include "backends/cpu/isa/detect.h"
#include "core/base/clock.h"
#include "core/base/host_memory.h"
#include "core/graph/program.h"

namespace engine {
namespace {

// Work is done when Run returns, so every ticket has already passed.
class CpuStream : public Stream {
 public:
  explicit CpuStream(CpuDevice& device) : device_(device), sizes_(device.AllWorkers()) {}

  void Tune(const Program& program, std::span<const std::span<const std::byte>> weights) override {
    sizes_ = device_.Tune(program, weights);
  }
  absl::Status Run(const Program& program, const StepExtents& extents) override {
    const bool paced = device_.chooses_workers() && extents.tokens <= cpu::TeamSizes::kDecodeTokens;
    device_.Run(program, extents, sizes_.Of(extents), paced ? &pace_ : nullptr);
    return absl::OkStatus();
  }
  absl::Status Copy(std::byte* destination, const std::byte* source, int64_t bytes) override {
    if (destination != source) std::memcpy(destination, source, bytes);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Record() override { return ++ticket_; }
  absl::Status Wait(uint64_t) override { return absl::OkStatus(); }

 private:
  CpuDevice& device_;
  cpu::TeamSizes sizes_;
  cpu::TeamPace pace_;
  uint64_t ticket_ = 0;
};

std::string CpuModelName() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "x86-64 processor";
}

// Blocks this large are worth huge pages: one TLB entry then covers 2 MiB of a weight that is read front to back.
constexpr int64_t kHugePageBytes = int64_t{2} << 20;

// One worker's walk. Consecutive solo steps run inside the barrier before them, which serves the step behind them too.
class StepWalk {
 public:
  StepWalk(std::span<const Step> steps, const StepExtents& extents, Worker& worker)
      : steps_(steps), extents_(extents), worker_(worker) {}

  void Run() {
    for (size_t s = 0; s < steps_.size(); ++s) {
      const size_t first = s;
      while (s < steps_.size() && steps_[s].kernel->is_solo(extents_)) ++s;
      if (s > first) {
        worker_.BarrierThen([&] { RunSolo(steps_.subspan(first, s - first)); });
        if (s == steps_.size()) return;
      } else if (steps_[s].barrier) {
        worker_.Barrier();
      }
      steps_[s].kernel->Launch(ArgsOf(steps_[s], worker_));
    }
  }

 private:
  LaunchArgs ArgsOf(const Step& step, Worker& worker) const {
    return {step.in, step.out, step.scratch, extents_, worker};
  }
  void RunSolo(std::span<const Step> steps) const {
    Worker solo(0, 1, nullptr);
    for (const Step& step : steps) step.kernel->Launch(ArgsOf(step, solo));
  }

  std::span<const Step> steps_;
  const StepExtents& extents_;
  Worker& worker_;
};

// `nodes` of all threads, ascending; none where they are not pinned. Where nodes have unequally many, each worker counts as
// one, as its share of the rows of a weight is all that is sure to be near.
int MemoryNodes(std::span<const int> nodes) {
  if (nodes.empty()) return 1;
  const size_t run = std::ranges::count(nodes, nodes.front());
  bool equal = nodes.size() % run == 0;
  for (size_t i = 1; i < nodes.size(); ++i) equal = equal && (nodes[i] != nodes[i - 1]) == (i % run == 0);
  return static_cast<int>(equal ? nodes.size() / run : nodes.size());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Device>> CpuDevice::Create(const CpuDeviceOptions& options) {
  ASSIGN_OR_RETURN(const cpu::Isa isa, cpu::DetectIsa());
  const int allowed = ThreadTeam::AllowedThreads();
  const int threads = options.threads == 0 ? allowed : options.threads;
  ASSIGN_OR_RETURN(std::unique_ptr<ThreadTeam> team,
                   ThreadTeam::Create({.num_threads = threads, .pin = true, .system_devices = options.system_devices}));
  DeviceInfo info{.name = "cpu",
                  .kind = "cpu",
                  .description = absl::StrFormat("%s, %d of %d threads", CpuModelName(), threads, allowed),
                  .isa = std::string(cpu::Name(isa)),
                  .workers = threads,
                  .memory_nodes = MemoryNodes(team->nodes()),
                  .memory_bytes = HostMemoryBytes(),
                  .max_steps_in_flight = 1,
                  .reads_host_memory = true};
  return std::unique_ptr<Device>(new CpuDevice(std::move(info), options, std::move(team)));
}

absl::StatusOr<Buffer> CpuDevice::Allocate(int64_t bytes, MemoryKind) {
  if (bytes == 0) return Buffer();
  // Anonymous pages arrive zeroed and are backed when first touched: a large pool costs what is used of it.
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return ResourceExhausted("cannot allocate %d bytes of host memory: %s", bytes, std::strerror(errno));
  }
  if (bytes >= kHugePageBytes) madvise(data, bytes, MADV_HUGEPAGE);  // advice: small pages work too
  return Buffer(static_cast<std::byte*>(data), bytes, [bytes](std::byte* p) { munmap(p, bytes); });
}

// By Linux 5.14 and later; before, the first step waits.
absl::StatusOr<int64_t> CpuDevice::Back(const Buffer& buffer, [[maybe_unused]] int64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  madvise(buffer.data(), std::min(bytes, buffer.size()), MADV_POPULATE_WRITE);
#endif
  return buffer.size();
}

// One touch of a huge page backs all of it.
void CpuDevice::BackSparsely(const Buffer& buffer, int64_t bytes) {
  madvise(buffer.data(), std::min(bytes, buffer.size()), MADV_NOHUGEPAGE);
}

// A loop over rows gives each worker an equal share in order (Worker::ForEach): so do the threads of a node together.
void CpuDevice::Place(std::span<std::byte> rows) {
  const std::span<const int> nodes = team_->nodes();
  if (nodes.empty() || nodes.front() == nodes.back()) return;  // ascending
  for (size_t first = 0, end = 0; first < nodes.size(); first = end) {
    while (end < nodes.size() && nodes[end] == nodes[first]) ++end;
    const size_t from = rows.size() * first / nodes.size(), to = rows.size() * end / nodes.size();
    options_.prefer_node(rows.subspan(from, to - from), nodes[first]);
  }
}

absl::StatusOr<std::unique_ptr<Stream>> CpuDevice::CreateStream() { return std::make_unique<CpuStream>(*this); }

cpu::TeamSizes CpuDevice::Tune(const Program& program, std::span<const std::span<const std::byte>> weights) {
  if (!chooses_workers()) return AllWorkers();
  int64_t bytes = 0;
  for (const std::span<const std::byte> weight : weights) bytes += std::ssize(weight);
  const int64_t barriers = 1 + std::ranges::count_if(program.steps, [](const Step& step) { return step.barrier; });
  const auto or_else = [](const cpu::TeamMeasure& given, auto&& own) { return given ? given : own(); };
  turns_.Await(turns_.Ask());
  const cpu::TeamSizes sizes{
      .decode = cpu::FastestTeam(
          info_.workers,
          or_else(options_.measure_decode, [&] { return cpu::ReadingMeasure(*team_, weights, bytes / barriers); })),
      .prefill = cpu::FastestTeam(info_.workers, or_else(options_.measure_prefill, [&] {
                                    return cpu::ComputingMeasure(*team_, *cpu::ParseIsa(info_.isa));
                                  }))};
  turns_.End();
  return sizes;
}

void CpuDevice::Run(const Program& program, const StepExtents& extents, int workers, cpu::TeamPace* pace) {
  const auto walk = [&](Worker& worker) { StepWalk(program.steps, extents, worker).Run(); };
  turns_.Await(turns_.Ask());
  if (pace == nullptr) {
    team_->Run(workers, walk);
  } else {
    const int paced = pace->Workers(workers);
    const TimePoint start = Now();
    const double run_before = ThreadSeconds();
    team_->Run(paced, walk);
    pace->Note(paced, SecondsSince(start), ThreadSeconds() - run_before);
  }
  turns_.End();
}

}  // namespace engine
