#include "core/runtime/weight_store.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "core/base/check.h"
#include "core/base/mapped_file.h"
#include "core/base/thread_team.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

// One weight on its way: rows in the order the graph wants, and where they go.
struct PackJob {
  const WeightSpec* spec;
  const WeightLayout* layout;
  DType stored;  // in the checkpoint; differs from spec->dtype for vectors converted to f32
  std::vector<const std::byte*> rows;
  std::byte* out = nullptr;
};

// The stored row that becomes row `row`: see WeightSpec::interleaved_head_rows.
int64_t StoredRow(const WeightSpec& spec, int64_t row) {
  const int64_t head_rows = spec.interleaved_head_rows;
  if (head_rows == 0) return row;
  const int64_t in_head = row % head_rows;
  const int64_t half = head_rows / 2;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

absl::StatusOr<PackJob> PlanJob(const Checkpoint& checkpoint, const WeightSpec& spec, const WeightLayout& layout) {
  PackJob job{.spec = &spec, .layout = &layout, .stored = spec.dtype};
  job.rows.resize(spec.n);
  ASSIGN_OR_RETURN(const SourceTensor* source, checkpoint.Require(spec.source));
  if (NumValues(source->shape) != spec.n * spec.k) {
    return InvalidArgument("tensor %s is %s; %d x %d values are needed", source->name, ShapeText(source->shape), spec.n,
                           spec.k);
  }
  job.stored = source->dtype;
  const std::byte* data = source->data.data();
  if (!layout.holds(spec.dtype)) {
    return Unimplemented("weight %s is %s, which layout %s does not hold", spec.name, Name(spec.dtype), layout.id.name);
  }
  const int64_t row_bytes = RowBytes(job.stored, spec.k);
  for (int64_t row = 0; row < spec.n; ++row) job.rows[row] = data + StoredRow(spec, row) * row_bytes;
  return job;
}

// The device can read the checkpoint's own bytes: same order, same type, aligned for its loads.
bool CanStayMapped(const PackJob& job, const Device& device) {
  constexpr uintptr_t kAlignment = 16;
  return device.info().reads_host_memory && job.layout->id == kRowMajor && job.stored == job.spec->dtype &&
         job.spec->interleaved_head_rows == 0 && reinterpret_cast<uintptr_t>(job.rows[0]) % kAlignment == 0;
}

void PackRows(const PackJob& job, int64_t begin, int64_t end) {
  const int64_t k = job.spec->k;
  if (job.stored == job.spec->dtype) {
    job.layout->pack({job.stored, k, job.rows}, begin, end, job.out);
    return;
  }
  ENGINE_CHECK(job.spec->dtype == DType::kF32 && job.layout->id == kRowMajor);
  const size_t row_bytes = RowBytes(job.stored, k);
  for (int64_t row = begin; row < end; ++row) {
    float* out = reinterpret_cast<float*>(job.out) + row * k;
    DequantizeRow(job.stored, {job.rows[row], row_bytes}, {out, static_cast<size_t>(k)});
  }
}

// Rows packed as one task: about 1 MiB of checkpoint, a few milliseconds, so that threads finish together.
int64_t RowsPerTask(const PackJob& job) {
  const int64_t rows = (int64_t{1} << 20) / std::max<int64_t>(1, RowBytes(job.stored, job.spec->k));
  const int64_t step = job.layout->row_step;
  return std::max<int64_t>(1, rows / step) * step;
}

// Packed rows are not read again: their pages in the checkpoint need not stay in memory.
void Release(const PackJob& job, int64_t begin, int64_t end) {
  const auto [first, last] = std::minmax_element(job.rows.begin() + begin, job.rows.begin() + end);
  ReleasePages({*first, *last + RowBytes(job.stored, job.spec->k)});
}

struct PackTask {
  const PackJob* job;
  int64_t begin;
  int64_t end;
};

absl::Status PackAll(const std::vector<PackJob>& jobs, int num_threads, const LoadProgress& progress) {
  std::vector<PackTask> tasks;
  int64_t total_bytes = 0;
  for (const PackJob& job : jobs) {
    const int64_t step = RowsPerTask(job);
    for (int64_t row = 0; row < job.spec->n; row += step) {
      tasks.push_back({&job, row, std::min(row + step, job.spec->n)});
    }
    total_bytes += job.spec->n * RowBytes(job.stored, job.spec->k);
  }
  ASSIGN_OR_RETURN(auto team, ThreadTeam::Create({.num_threads = num_threads}));
  std::atomic<int64_t> done_bytes{0};
  team->Run([&](Worker& worker) {
    worker.ForEach(std::ssize(tasks), 1, [&](int64_t begin, int64_t end) {
      for (const PackTask& task : std::span(tasks).subspan(begin, end - begin)) {
        PackRows(*task.job, task.begin, task.end);
        Release(*task.job, task.begin, task.end);
        done_bytes += (task.end - task.begin) * RowBytes(task.job->stored, task.job->spec->k);
        if (worker.index() == 0 && progress) progress(done_bytes, total_bytes);
      }
    });
  });
  if (progress) progress(total_bytes, total_bytes);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WeightStore> WeightStore::Load(const Checkpoint& checkpoint, const std::vector<WeightSpec>& specs,
                                              const Graph& graph, const KernelRegistry& registry, Device& device,
                                              const LoadProgress& progress) {
  std::map<std::string_view, LayoutId> layouts;
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kWeight) layouts[value.name] = value.spec.layout;
  }
  WeightStore store;
  std::vector<PackJob> jobs;
  for (const WeightSpec& spec : specs) {
    const WeightLayout* layout = registry.FindLayout(device.info().kind, layouts.at(spec.name));
    ENGINE_CHECK(layout != nullptr);
    if (spec.compute) {
      ENGINE_CHECK(spec.dtype == DType::kF32 && layout->id == kRowMajor);
      ASSIGN_OR_RETURN(std::byte * values, store.Allocate(spec, *layout, device));
      spec.compute({reinterpret_cast<float*>(values), static_cast<size_t>(spec.n * spec.k)});
      continue;
    }
    ASSIGN_OR_RETURN(PackJob job, PlanJob(checkpoint, spec, *layout));
    if (CanStayMapped(job, device)) {
      store.addresses_[spec.name] = const_cast<std::byte*>(job.rows[0]);  // kernels never write weights
      store.mapped_bytes_ += spec.n * RowBytes(spec.dtype, spec.k);
      continue;
    }
    ASSIGN_OR_RETURN(job.out, store.Allocate(spec, *layout, device));
    jobs.push_back(std::move(job));
  }
  RETURN_IF_ERROR(PackAll(jobs, device.info().workers, progress));
  return store;
}

absl::StatusOr<std::byte*> WeightStore::Allocate(const WeightSpec& spec, const WeightLayout& layout, Device& device) {
  const int64_t bytes = layout.bytes(spec.dtype, spec.n, spec.k);
  ASSIGN_OR_RETURN(Buffer buffer, device.Allocate(bytes, MemoryKind::kDevice));
  std::byte* data = buffer.data();
  addresses_[spec.name] = data;
  packed_bytes_ += bytes;
  buffers_.push_back(std::move(buffer));
  return data;
}

std::byte* WeightStore::Find(std::string_view name) const {
  const auto found = addresses_.find(name);
  return found == addresses_.end() ? nullptr : found->second;
}

}  // namespace engine
