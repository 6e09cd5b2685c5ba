#include "core/runtime/weight_store.h"

#include <algorithm>

#include "core/base/cache_line.h"
#include "core/base/check.h"
#include "core/base/mapped_file.h"
#include "core/base/thread_team.h"

namespace engine {
namespace {

// The stored row that becomes row `row`: see WeightSpec::interleaved_head_rows.
int64_t StoredRow(const WeightSpec& spec, int64_t row) {
  const int64_t head_rows = spec.interleaved_head_rows;
  if (head_rows == 0) return row;
  const int64_t in_head = row % head_rows;
  const int64_t half = head_rows / 2;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

// The layout that a packed file has `source` in, provided that it is what this engine means by it.
absl::StatusOr<const WeightLayout*> PackedLayoutOf(const SourceTensor& source, const WeightSpec& spec,
                                                   const KernelRegistry& registry, const DeviceInfo& device) {
  const PackedLayout& packed = *source.packed;
  const WeightLayout* layout = registry.FindLayout(device.kind, {packed.name});
  if (layout == nullptr || layout->version != packed.version) {
    const std::string known = layout == nullptr ? "no such layout" : absl::StrFormat("version %d", layout->version);
    return Unimplemented("tensor %s is packed in version %d of layout %s; this engine has %s: run `engine pack` again",
                         source.name, packed.version, packed.name, known);
  }
  const bool fits = source.dtype == spec.dtype && layout->holds(spec.dtype) &&
                    static_cast<int64_t>(source.data.size()) == layout->bytes(spec.dtype, spec.n, spec.k);
  if (fits) return layout;
  return InvalidArgument("tensor %s has %d bytes of %s in layout %s, which is not %s %d x %d; run `engine pack` again",
                         source.name, source.data.size(), Name(source.dtype), packed.name, Name(spec.dtype), spec.n,
                         spec.k);
}

absl::Status PlanUnpacking(const SourceTensor& source, const KernelRegistry& registry, const Device& device,
                           PackJob& job) {
  ASSIGN_OR_RETURN(const WeightLayout* from, PackedLayoutOf(source, *job.spec, registry, device.info()));
  job.packed = source.data;
  job.from = from;
  if (from == job.layout || from->unpacks(source.dtype)) return absl::OkStatus();
  return Unimplemented(
      "weight %s is packed as %s in layout %s, and the kernels chosen here take %s; "
      "run `engine pack` again on this machine",
      job.spec->name, Name(source.dtype), from->id.name, job.layout->id.name);
}

absl::StatusOr<PackJob> PlanJob(const Checkpoint& checkpoint, const WeightSpec& spec, const WeightLayout& layout,
                                const KernelRegistry& registry, const Device& device, RankOf rank) {
  PackJob job{.spec = &spec,
              .layout = &layout,
              .stored = spec.dtype,
              .first_row = int64_t{rank.rank} * spec.slices / rank.ranks * spec.n};
  if (spec.compute) {
    ENGINE_CHECK(spec.dtype == DType::kF32 && layout.id == kRowMajor);
    return job;
  }
  ASSIGN_OR_RETURN(const SourceTensor* source, checkpoint.Require(spec.source));
  if (NumValues(source->shape) != spec.slices * spec.n * spec.k) {
    return InvalidArgument("tensor %s is %s; %d x %d values are needed", source->name, ShapeText(source->shape),
                           spec.slices * spec.n, spec.k);
  }
  job.stored = source->dtype;
  if (!layout.holds(spec.dtype)) {
    return Unimplemented("weight %s is %s, which layout %s does not hold", spec.name, Name(spec.dtype), layout.id.name);
  }
  job.rows.resize(spec.n);
  if (source->packed) {
    absl::Status planned = PlanUnpacking(*source, registry, device, job);
    if (!planned.ok() && !device.info().reads_host_memory) {
      planned = Unimplemented("a file of `engine pack` is for the CPU; on %s load the checkpoint that it was made from",
                              device.info().name);
    }
    if (!planned.ok()) return Annotate(planned, checkpoint.path());
    return job;
  }
  if (source->int4) {
    job.int4 = &*source->int4;
    return job;
  }
  const int64_t row_bytes = RowBytes(job.stored, spec.k);
  for (int64_t row = 0; row < spec.n; ++row) {
    job.rows[row] = source->data.data() + StoredRow(spec, job.first_row + row) * row_bytes;
  }
  return job;
}

// The file's own bytes where the device can read them: same order, same type, aligned for its loads. Else null.
const std::byte* InPlace(const PackJob& job, int64_t bytes, const Device& device) {
  if (!device.info().reads_host_memory || job.spec->compute || job.int4 != nullptr) return nullptr;
  if (job.from != nullptr) return job.from == job.layout ? job.packed.data() : nullptr;
  // The file may be cached in pages of 2 MiB: a smaller weight would keep all of one resident.
  constexpr int64_t kLeastBytes = int64_t{2} << 20;
  constexpr uintptr_t kAlignment = 16;
  const bool same = bytes >= kLeastBytes && job.layout->id == kRowMajor && job.stored == job.spec->dtype &&
                    job.spec->interleaved_head_rows == 0;
  return same && reinterpret_cast<uintptr_t>(job.rows[0]) % kAlignment == 0 ? job.rows[0] : nullptr;
}

// What a packed file's kernels will read, so that no request waits for a page. In parts, for every thread has a share.
void PopulateAll(const std::vector<std::span<const std::byte>>& mapped, ThreadTeam& team) {
  constexpr size_t kPartBytes = size_t{32} << 20;
  std::vector<std::span<const std::byte>> parts;
  for (const std::span<const std::byte> range : mapped) {
    for (size_t at = 0; at < range.size(); at += kPartBytes) {
      parts.push_back(range.subspan(at, std::min(kPartBytes, range.size() - at)));
    }
  }
  team.Run([&parts](Worker& worker) {
    worker.ForEach(static_cast<int64_t>(parts.size()), 1, [&parts](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) Populate(parts[part]);
    });
  });
}

}  // namespace

std::map<std::string_view, LayoutId> WeightLayouts(const Graph& graph) {
  std::map<std::string_view, LayoutId> layouts;
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kWeight) layouts[value.name] = value.spec.layout;
  }
  return layouts;
}

absl::StatusOr<WeightStore> WeightStore::Load(const Checkpoint& checkpoint, const std::vector<WeightSpec>& specs,
                                              const Graph& graph, const KernelRegistry& registry, Device& device,
                                              const LoadProgress& progress, RankOf rank) {
  const std::map<std::string_view, LayoutId> layouts = WeightLayouts(graph);
  WeightStore store;
  std::vector<PackJob> jobs;
  std::vector<int64_t> offsets;  // of each job's weight in the store's memory
  std::vector<std::span<const std::byte>> mapped;
  for (const WeightSpec& spec : specs) {
    const WeightLayout* layout = registry.FindLayout(device.info().kind, layouts.at(spec.name));
    ENGINE_CHECK(layout != nullptr);
    ASSIGN_OR_RETURN(PackJob job, PlanJob(checkpoint, spec, *layout, registry, device, rank));
    const int64_t bytes = layout->bytes(spec.dtype, spec.n, spec.k);
    if (const std::byte* in_place = InPlace(job, bytes, device)) {
      store.addresses_[spec.name] = const_cast<std::byte*>(in_place);  // kernels never write weights
      store.mapped_bytes_ += bytes;
      if (job.from != nullptr) mapped.push_back(job.packed);
      continue;
    }
    if (job.from != nullptr) store.repacked_bytes_ += bytes;
    offsets.push_back(store.packed_bytes_);
    store.packed_bytes_ += CacheLines(bytes);
    jobs.push_back(std::move(job));
  }
  // All in one piece, which huge pages cover; the weights of a small model are too small for pages of their own.
  ASSIGN_OR_RETURN(store.memory_, device.Allocate(store.packed_bytes_, MemoryKind::kDevice));
  store.in_memory_ = mapped;
  if (store.packed_bytes_ > 0) store.in_memory_.emplace_back(store.memory_.data(), store.packed_bytes_);
  for (size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].out = store.memory_.data() + offsets[i];
    device.Place({jobs[i].out, static_cast<size_t>(PackedBytes(jobs[i]))});
    store.addresses_[jobs[i].spec->name] = jobs[i].out;
  }
  const bool in_place = device.info().reads_host_memory;
  const int threads = in_place ? device.info().workers : ThreadTeam::AllowedThreads();
  ASSIGN_OR_RETURN(const auto team, ThreadTeam::Create({.num_threads = threads}));
  PopulateAll(mapped, *team);
  if (in_place) {
    PackAll(std::move(jobs), *team, progress);
  } else {
    RETURN_IF_ERROR(PackAndUpload(std::move(jobs), device, *team, progress));
  }
  return store;
}

std::byte* WeightStore::Find(std::string_view name) const {
  const auto found = addresses_.find(name);
  return found == addresses_.end() ? nullptr : found->second;
}

}  // namespace engine
