#include "core/runtime/pack_weights.h"

#include <algorithm>
#include <atomic>

#include "core/base/cache_line.h"
#include "core/base/check.h"
#include "core/base/mapped_file.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

struct PackTask {
  PackJob* job;
  int64_t begin;
  int64_t end;
};

int64_t RowBytesOf(const PackJob& job) { return RowBytes(job.stored, job.spec->k); }

// What progress counts.
int64_t StoredBytes(const PackJob& job) { return job.spec->n * RowBytesOf(job); }

// Rows packed as one task: about 1 MiB of checkpoint, a few milliseconds, so that threads finish together.
int64_t RowsPerTask(const PackJob& job) {
  const int64_t rows = (int64_t{1} << 20) / std::max<int64_t>(1, RowBytesOf(job));
  const int64_t step = std::max(job.layout->row_step, kInt4RowStep);
  return std::max<int64_t>(1, rows / step) * step;
}

bool IsMade(const PackJob& job) { return job.from != nullptr || job.int4 != nullptr; }

// Rows in checkpoint form in `rows`, from a layout that the kernels do not take or from the tensors that they are spread
// over.
void MakeRows(const PackTask& task, std::vector<std::byte>& rows) {
  PackJob& job = *task.job;
  const int64_t row_bytes = RowBytesOf(job);
  // Slices may begin within a word of rows.
  const int64_t begin = job.first_row + task.begin;
  const int64_t end = job.first_row + task.end;
  const int64_t skipped = job.int4 != nullptr ? begin % kInt4RowStep : 0;
  const int64_t read_end =
      job.int4 != nullptr ? std::min(job.int4->n, (end + kInt4RowStep - 1) / kInt4RowStep * kInt4RowStep) : end;
  rows.resize((read_end - begin + skipped) * row_bytes);
  if (job.int4 != nullptr) ReadRows(*job.int4, begin - skipped, read_end, rows.data());
  for (int64_t row = task.begin; row < task.end; ++row) {
    std::byte* out = rows.data() + (row - task.begin + skipped) * row_bytes;
    if (job.from != nullptr) job.from->unpack_row(job.stored, job.spec->k, job.packed.data(), row, out);
    job.rows[row] = out;
  }
}

void PackRows(const PackTask& task) {
  const PackJob& job = *task.job;
  const int64_t k = job.spec->k;
  if (job.spec->compute) {
    float* out = reinterpret_cast<float*>(job.out) + task.begin * k;
    job.spec->compute(task.begin, {out, static_cast<size_t>((task.end - task.begin) * k)});
    return;
  }
  if (job.stored == job.spec->dtype) {
    job.layout->pack({job.stored, k, job.rows}, task.begin, task.end, job.out);
    return;
  }
  ENGINE_CHECK(job.spec->dtype == DType::kF32 && job.layout->id == kRowMajor);
  const size_t row_bytes = RowBytesOf(job);
  for (int64_t row = task.begin; row < task.end; ++row) {
    float* out = reinterpret_cast<float*>(job.out) + row * k;
    DequantizeRow(job.stored, {job.rows[row], row_bytes}, {out, static_cast<size_t>(k)});
  }
}

// Packed rows are not read again: their pages in the checkpoint need not stay in memory.
void Release(const PackTask& task) {
  const PackJob& job = *task.job;
  if (job.spec->compute) return;
  if (IsMade(job)) return;  // tasks share pages; they go when all is done
  const auto [first, last] = std::minmax_element(job.rows.begin() + task.begin, job.rows.begin() + task.end);
  ReleasePages({*first, *last + RowBytesOf(job)});
}

void ReleaseSources(const PackJob& job) {
  ReleasePages(job.packed);
  if (job.int4 == nullptr) return;
  for (const StridedItems* items : {&job.int4->words, &job.int4->scales, &job.int4->zero_points})
    ReleasePages(items->bytes);
}

void Pack(const PackTask& task, std::vector<std::byte>& made) {
  if (IsMade(*task.job)) MakeRows(task, made);
  PackRows(task);
  Release(task);
}

}  // namespace

int64_t PackedBytes(const PackJob& job) {
  return CacheLines(job.layout->bytes(job.spec->dtype, job.spec->n, job.spec->k));
}

void PackAll(std::vector<PackJob> jobs, ThreadTeam& team, const LoadProgress& progress) {
  std::vector<PackTask> tasks;
  int64_t total_bytes = 0;
  for (PackJob& job : jobs) {
    const int64_t step = RowsPerTask(job);
    for (int64_t row = 0; row < job.spec->n; row += step) {
      tasks.push_back({&job, row, std::min(row + step, job.spec->n)});
    }
    total_bytes += StoredBytes(job);
  }
  if (tasks.empty()) return;
  std::atomic<int64_t> done_bytes{0};
  team.Run([&](Worker& worker) {
    std::vector<std::byte> made;
    worker.ForEach(std::ssize(tasks), 1, [&](int64_t begin, int64_t end) {
      for (const PackTask& task : std::span(tasks).subspan(begin, end - begin)) {
        Pack(task, made);
        done_bytes += (task.end - task.begin) * RowBytesOf(*task.job);
        if (worker.index() == 0 && progress) progress(done_bytes, total_bytes);
      }
    });
  });
  // Again, as a page of the file may be large: who read the rows beside had these in memory once more.
  for (const PackTask& task : tasks) Release(task);
  for (const PackJob& job : jobs) ReleaseSources(job);
  if (progress) progress(total_bytes, total_bytes);
}

absl::Status PackAndUpload(std::vector<PackJob> jobs, Device& device, ThreadTeam& team, const LoadProgress& progress) {
  int64_t total_bytes = 0;
  int64_t done_bytes = 0;
  int64_t packed_bytes = 0;
  int64_t largest = int64_t{256} << 20;  // of many weights together, so that threads finish together
  for (const PackJob& job : jobs) {
    total_bytes += StoredBytes(job);
    packed_bytes += PackedBytes(job);
    largest = std::max(largest, PackedBytes(job));
  }
  ASSIGN_OR_RETURN(const Buffer staging, device.Allocate(std::min(packed_bytes, largest), MemoryKind::kHost));
  ASSIGN_OR_RETURN(const std::unique_ptr<Stream> stream, device.CreateStream());
  for (auto next = jobs.begin(); next != jobs.end();) {
    std::byte* const destination = next->out;
    std::vector<PackJob> part;
    int64_t bytes = 0;
    for (; next != jobs.end() && bytes + PackedBytes(*next) <= staging.size(); ++next) {
      next->out = staging.data() + bytes;
      bytes += PackedBytes(*next);
      part.push_back(std::move(*next));
    }
    const int64_t before = done_bytes;
    PackAll(std::move(part), team, [&](int64_t done, int64_t) {
      done_bytes = before + done;
      if (progress) progress(done_bytes, total_bytes);
    });
    RETURN_IF_ERROR(stream->Copy(destination, staging.data(), bytes));
    ASSIGN_OR_RETURN(const uint64_t ticket, stream->Record());
    RETURN_IF_ERROR(stream->Wait(ticket));
  }
  return absl::OkStatus();
}

}  // namespace engine
