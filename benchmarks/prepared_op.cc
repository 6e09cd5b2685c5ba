#include "benchmarks/prepared_op.h"

#include <algorithm>
#include <cstring>

#include "core/base/bf16.h"
#include "core/base/cache_line.h"
#include "core/graph/compile.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

// What an engine prepares for, whatever is timed: its prefill has many rows.
constexpr StepLimits kLimits = {.max_tokens = 2048, .max_sequences = 16, .max_sampled = 16};

float NumberAt(int64_t i) { return static_cast<float>(i * 37 % 101) / 50.0f - 1.0f; }

// Numbers about 1. Of other dtypes, a byte that makes small ones; untouched memory is one page of zeros under many
// addresses, which caches dislike.
void FillNumbers(DType dtype, std::span<std::byte> buffer) {
  std::ranges::fill(buffer, dtype == DType::kI32 ? std::byte{0} : std::byte{0x3c});
  if (dtype == DType::kF32) {
    auto* values = reinterpret_cast<float*>(buffer.data());
    for (int64_t i = 0; i < std::ssize(buffer) / 4; ++i) values[i] = NumberAt(i);
  } else if (dtype == DType::kBF16) {
    auto* values = reinterpret_cast<uint16_t*>(buffer.data());
    for (int64_t i = 0; i < std::ssize(buffer) / 2; ++i) values[i] = F32ToBf16(NumberAt(i));
  }
}

// All rows alike, as the speed of no kernel depends on them.
void PackWeight(const TensorSpec& spec, const WeightLayout& layout, std::byte* out) {
  const int64_t n = spec.shape[0], k = spec.shape[1];
  std::vector<float> values(k);
  for (int64_t i = 0; i < k; ++i) values[i] = NumberAt(i);
  std::vector<std::byte> row(RowBytes(spec.dtype, k));
  QuantizeRow(spec.dtype, values, row);
  const std::vector<const std::byte*> rows(n, row.data());
  layout.pack({spec.dtype, k, rows}, 0, n, out);
}

// `fill` writes what the device's memory shall hold: there, or beside it where the host cannot.
template <typename Fill>
absl::Status FillOn(Device& device, Stream& stream, std::span<std::byte> memory, Fill fill) {
  if (device.info().reads_host_memory || memory.empty()) {
    fill(memory);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Buffer staging, device.Allocate(std::ssize(memory), MemoryKind::kHost));
  fill(std::span(staging.data(), memory.size()));
  RETURN_IF_ERROR(stream.Copy(memory.data(), staging.data(), std::ssize(memory)));
  ASSIGN_OR_RETURN(const uint64_t ticket, stream.Record());
  return stream.Wait(ticket);
}

bool Rotates(const LoadInput& input) {
  return input.kind == LoadInput::Kind::kWeight || input.kind == LoadInput::Kind::kCache;
}

}  // namespace

absl::StatusOr<PreparedOp> PreparedOp::Create(const OpLoad& load, const KernelRegistry& registry, Device& device,
                                              Numerics level, std::string_view entry, Buffer& copies) {
  PreparedOp prepared(load);
  RETURN_IF_ERROR(prepared.Choose(registry, device.info(), level, entry));
  RETURN_IF_ERROR(prepared.PlaceInputs(registry, device, copies));
  RETURN_IF_ERROR(prepared.PlaceOutputs(device));
  const Cost least = load.op.schema().cost(load.op, load.in_specs(), prepared.out_specs_, load.extents);
  prepared.work_ = load.work.bytes > 0 ? load.work : least;
  return prepared;
}

absl::Status PreparedOp::Supports(const OpLoad& load, const KernelEntry& entry, const DeviceInfo& device,
                                  Numerics level) {
  const std::vector<TensorSpec> in = load.in_specs();
  ASSIGN_OR_RETURN(const std::vector<TensorSpec> out, load.op.schema().infer(load.op, in));
  if (entry.exactness > level) {
    return FailedPrecondition("its class is %s, and numerics is %s", Name(entry.exactness), Name(level));
  }
  const std::vector<RowRange> ranges = RowRanges(RowDimension(in, out), kLimits);
  return entry.supports({load.op, in, out, ranges, level, device});
}

absl::Status PreparedOp::Choose(const KernelRegistry& registry, const DeviceInfo& device, Numerics level,
                                std::string_view name) {
  ASSIGN_OR_RETURN(out_specs_, load_->op.schema().infer(load_->op, load_->in_specs()));
  absl::Status reason = NotFound("%s has no entry %s on %s", load_->op.name(), name, device.name);
  for (const KernelEntry* entry : registry.Entries(device.kind, load_->op.name())) {
    if (!name.empty() && entry->name != name) continue;
    reason = Prepare(*entry, device, level);
    if (reason.ok()) return reason;
  }
  return reason;
}

absl::Status PreparedOp::Prepare(const KernelEntry& entry, const DeviceInfo& device, Numerics level) {
  RETURN_IF_ERROR(Supports(*load_, entry, device, level));
  in_specs_ = load_->in_specs();
  const std::vector<RowRange> ranges = RowRanges(RowDimension(in_specs_, out_specs_), kLimits);
  const Problem problem{load_->op, in_specs_, out_specs_, ranges, level, device};
  for (size_t i = 0; i < in_specs_.size(); ++i) {
    if (load_->in[i].kind != LoadInput::Kind::kWeight) continue;
    in_specs_[i].layout =
        entry.weight_layouts == nullptr ? kRowMajor : entry.weight_layouts(problem, static_cast<int>(i))[0];
  }
  ASSIGN_OR_RETURN(kernel_, entry.prepare(problem));
  entry_ = &entry;
  return absl::OkStatus();
}

absl::Status PreparedOp::PlaceInputs(const KernelRegistry& registry, Device& device, Buffer& copies) {
  std::vector<int64_t> offsets, sizes;
  int64_t set_bytes = 0;
  for (size_t i = 0; i < in_specs_.size(); ++i) {
    const TensorSpec& spec = in_specs_[i];
    const bool is_weight = load_->in[i].kind == LoadInput::Kind::kWeight;
    sizes.push_back(
        is_weight
            ? registry.FindLayout(device.info().kind, spec.layout)->bytes(spec.dtype, spec.shape[0], spec.shape[1])
            : load_->in[i].rows * spec.row_bytes());
    offsets.push_back(set_bytes);
    if (Rotates(load_->in[i])) set_bytes += CacheLines(sizes[i]);
  }
  num_copies_ = set_bytes == 0 ? 1 : std::max<int64_t>(1, copies.size() / set_bytes);
  if (copies.size() < num_copies_ * set_bytes) {
    ASSIGN_OR_RETURN(copies, device.Allocate(num_copies_ * set_bytes, MemoryKind::kDevice));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Stream> stream, device.CreateStream());
  for (size_t i = 0; i < in_specs_.size(); ++i) {
    ASSIGN_OR_RETURN(const Input input,
                     Place(i, sizes[i], copies.data() + offsets[i], set_bytes, registry, device, *stream));
    inputs_.push_back(input);
  }
  for (int64_t c = 1; c < num_copies_; ++c) {
    RETURN_IF_ERROR(stream->Copy(copies.data() + c * set_bytes, copies.data(), set_bytes));
  }
  ASSIGN_OR_RETURN(const uint64_t ticket, stream->Record());
  return stream->Wait(ticket);
}

absl::StatusOr<PreparedOp::Input> PreparedOp::Place(size_t index, int64_t bytes, std::byte* first_copy,
                                                    int64_t set_bytes, const KernelRegistry& registry, Device& device,
                                                    Stream& stream) {
  const TensorSpec& spec = in_specs_[index];
  const LoadInput& input = load_->in[index];
  const auto fill = [&](std::span<std::byte> memory) {
    if (input.kind == LoadInput::Kind::kWeight) {
      PackWeight(spec, *registry.FindLayout(device.info().kind, spec.layout), memory.data());
    } else if (input.bytes.empty()) {
      FillNumbers(spec.dtype, memory);
    } else {
      std::ranges::copy(input.bytes, memory.begin());
    }
  };
  if (Rotates(input)) {
    RETURN_IF_ERROR(FillOn(device, stream, {first_copy, static_cast<size_t>(bytes)}, fill));
    return Input{first_copy, set_bytes};
  }
  ASSIGN_OR_RETURN(Buffer buffer,
                   device.Allocate(input.bytes.empty() ? bytes : std::ssize(input.bytes), MemoryKind::kDevice));
  RETURN_IF_ERROR(FillOn(device, stream, {buffer.data(), static_cast<size_t>(buffer.size())}, fill));
  owned_.push_back(std::move(buffer));
  return Input{owned_.back().data(), 0};
}

absl::Status PreparedOp::PlaceOutputs(Device& device) {
  for (const TensorSpec& spec : out_specs_) {
    const int64_t bytes = Resolve(spec.shape.leading(), load_->extents) * spec.row_bytes();
    ASSIGN_OR_RETURN(Buffer buffer, device.Allocate(bytes, MemoryKind::kDevice));
    outputs_.push_back(buffer.data());
    owned_.push_back(std::move(buffer));
  }
  ASSIGN_OR_RETURN(Buffer scratch, device.Allocate(kernel_->scratch_bytes(), MemoryKind::kDevice));
  scratch_ = {scratch.data(), static_cast<size_t>(scratch.size())};
  owned_.push_back(std::move(scratch));
  return absl::OkStatus();
}

void PreparedOp::Launch(int64_t launch, Worker& worker, Stream* stream) const {
  Tensor in[kMostTensors], out[kMostTensors];
  for (size_t i = 0; i < inputs_.size(); ++i) {
    in[i] = {inputs_[i].data + launch % num_copies_ * inputs_[i].step_bytes, &in_specs_[i]};
  }
  for (size_t i = 0; i < outputs_.size(); ++i) out[i] = {outputs_[i], &out_specs_[i]};
  kernel_->Launch({{in, inputs_.size()}, {out, outputs_.size()}, scratch_, load_->extents, worker, stream});
}

}  // namespace engine
