#include "backends/gpu/gpu_stream.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "core/base/check.h"
#include "core/graph/program.h"
#include "ops/all_gather.h"

namespace engine::gpu {

namespace {

// Other devices take part in it, which no graph of this one's work can hold.
bool IsCollective(const Program& program, const Step& step) {
  return &program.graph.nodes[step.node].op.schema() == &SchemaOf(engine::AllGather{});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Stream>> GpuStream::Create(GpuDevice& device,
                                                          std::unique_ptr<Communicator> communicator) {
  std::unique_ptr<GpuStream> stream(new GpuStream(device, std::move(communicator)));
  ASSIGN_OR_RETURN(stream->queue_, device.driver().CreateQueue());
  return stream;
}

GpuStream::~GpuStream() {
  GpuDriver& driver = device_.driver();
  if (queue_.handle == nullptr) return;
  driver.Synchronize(queue_).IgnoreError();  // nobody is left to be told
  for (const Ticket& ticket : pending_) driver.Destroy(ticket.event);
  for (const GpuEvent event : free_events_) driver.Destroy(event);
  driver.Destroy(queue_);
}

absl::Status GpuStream::Stick(absl::Status status) {
  if (!status_.ok() || status.ok()) return status_;
  status_ = std::move(status);
  if (communicator_ != nullptr) communicator_->Abort(status_);
  return status_;
}

absl::Status GpuStream::Run(const Program& program, const StepExtents& extents) {
  RETURN_IF_ERROR(status_);
  const auto [again, entry] = replays_.Find(program, extents);
  const std::span steps(program.steps);
  const auto is_collective = [&program](const Step& step) { return IsCollective(program, step); };
  size_t part = 0;  // of those between collectives
  for (auto begin = steps.begin(); begin != steps.end() && status_.ok(); ++part) {
    auto end = std::find_if(begin, steps.end(), is_collective);
    if (end == begin) end = begin + 1;
    const std::span<const Step> between(begin, end);
    begin = end;
    if (again && entry.can_replay && !is_collective(between.front())) {
      if (Replay(entry, part, between, extents)) continue;
      replays_.GiveUp(entry);
    }
    EnqueueAll(between, extents);  // nothing, if a kernel could not be captured
  }
  return status_;
}

// False where there is no graph, for want of memory perhaps. Then nothing has been launched: if the device itself has failed,
// the kernels will say so.
bool GpuStream::Replay(ReplayCache::Entry& entry, size_t part, std::span<const Step> steps,
                       const StepExtents& extents) {
  if (part >= entry.graphs.size()) entry.graphs.resize(part + 1);
  GpuGraph& graph = entry.graphs[part];
  if (graph.handle == nullptr) {
    const auto captured = Capture(steps, extents);
    if (!captured.ok()) return false;
    graph = *captured;
  }
  const absl::Status launched = device_.driver().Launch(queue_, graph);
  if (absl::IsUnavailable(launched)) return false;
  Stick(launched).IgnoreError();  // Run returns it
  return true;
}

absl::StatusOr<GpuGraph> GpuStream::Capture(std::span<const Step> steps, const StepExtents& extents) {
  RETURN_IF_ERROR(device_.driver().BeginCapture(queue_));
  EnqueueAll(steps, extents);
  auto graph = device_.driver().EndCapture(queue_);  // a capture that failed must be ended too
  if (graph.ok() && !status_.ok()) {
    device_.driver().Destroy(*graph);
    return status_;
  }
  return graph;
}

void GpuStream::EnqueueAll(std::span<const Step> steps, const StepExtents& extents) {
  Worker worker(0, 1, nullptr);
  for (const Step& step : steps) {
    step.kernel->Launch({step.in, step.out, step.scratch, extents, worker, this});
  }
}

void GpuStream::Enqueue(const KernelInstance& kernel, const GpuGrid& grid, const void* args) {
  if (!status_.ok() || grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  absl::Status launched = device_.driver().Launch(
      queue_, {.kernel = kernel, .function = device_.FunctionOf(kernel), .grid = grid, .args = args});
  if (launched.ok()) return;
  const std::string what = absl::StrFormat("kernel %s, %d x %d x %d blocks", kernel.name, grid.x, grid.y, grid.z);
  Stick(Annotate(launched, what)).IgnoreError();  // Run returns it
}

bool GpuStream::Multiply(const GpuProduct& product) {
  if (!status_.ok() || product.rows == 0) return true;
  const absl::StatusOr<bool> multiplied = device_.driver().Multiply(queue_, product);
  if (multiplied.ok()) return *multiplied;
  const std::string what = absl::StrFormat("a library's product, %d x %d x %d", product.rows, product.n, product.k);
  Stick(Annotate(multiplied.status(), what)).IgnoreError();  // Run returns it
  return true;
}

void GpuStream::AllGather(const Gather& gather) {
  ENGINE_CHECK(communicator_ != nullptr);
  if (!status_.ok() || gather.rows == 0) return;
  Stick(communicator_->AllGather(queue_, gather)).IgnoreError();  // Run returns it
}

absl::Status GpuStream::Copy(std::byte* destination, const std::byte* source, int64_t bytes) {
  if (!status_.ok() || bytes == 0 || destination == source) return status_;
  return Stick(device_.driver().Copy(queue_, destination, source, bytes));
}

absl::StatusOr<uint64_t> GpuStream::Record() {
  RETURN_IF_ERROR(status_);
  if (free_events_.empty()) {
    const auto created = device_.driver().CreateEvent();
    if (!created.ok()) return Stick(created.status());
    free_events_.push_back(*created);
  }
  RETURN_IF_ERROR(Stick(device_.driver().Record(queue_, free_events_.back())));
  pending_.push_back({++last_ticket_, free_events_.back()});
  free_events_.pop_back();
  return last_ticket_;
}

// Work is done in order: the last event up to the ticket stands for all before it.
absl::Status GpuStream::Wait(uint64_t ticket) {
  GpuEvent last;
  while (!pending_.empty() && pending_.front().number <= ticket) {
    last = pending_.front().event;
    free_events_.push_back(last);
    pending_.pop_front();
  }
  if (last.handle == nullptr) return status_;
  return Stick(device_.driver().Synchronize(last));
}

}  // namespace engine::gpu
