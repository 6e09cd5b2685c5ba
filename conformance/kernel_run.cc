#include "conformance/kernel_run.h"

#include <algorithm>

#include "core/graph/compile.h"

namespace engine {
namespace {

StepLimits LimitsOf(const StepExtents& largest) {
  return {.max_tokens = largest.tokens, .max_sequences = largest.sequences, .max_sampled = largest.sampled};
}

// In two cuts where the layout allows any, as a parallel loader packs.
std::vector<std::byte> Pack(const WeightLayout& layout, const CaseInput& weight) {
  const int64_t n = weight.spec.shape[0];
  const int64_t k = weight.spec.shape[1];
  std::vector<const std::byte*> rows;
  for (int64_t j = 0; j < n; ++j) rows.push_back(weight.data.data() + j * weight.spec.row_bytes());
  const WeightRows source = {weight.spec.dtype, k, rows};
  std::vector<std::byte> packed(layout.bytes(weight.spec.dtype, n, k), kPoison);
  const int64_t cut = std::min(n, layout.row_step);
  layout.pack(source, cut, n, packed.data());
  layout.pack(source, 0, cut, packed.data());
  return packed;
}

int64_t RowsOf(const TensorSpec& spec, const Slice& slice) { return Resolve(spec.shape.leading(), slice.extents); }

}  // namespace

absl::StatusOr<std::vector<LayoutId>> LayoutsOf(const OpCase& op_case, const KernelEntry& entry,
                                                const DeviceInfo& device) {
  std::vector<TensorSpec> in = op_case.in_specs();
  int weight = -1;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!op_case.in[i].is_weight) continue;
    in[i].layout = kOpenLayout;
    if (weight < 0) weight = static_cast<int>(i);
  }
  ASSIGN_OR_RETURN(const std::vector<TensorSpec> out, op_case.op.schema().infer(op_case.op, in));
  const std::vector<RowRange> rows = RowRanges(op_case.row_dim(), LimitsOf(op_case.largest));
  const Problem problem = {op_case.op, in, out, rows, entry.exactness, device};
  RETURN_IF_ERROR(entry.supports(problem));
  if (weight < 0 || entry.weight_layouts == nullptr) return std::vector{kRowMajor};
  const std::span<const LayoutId> layouts = entry.weight_layouts(problem, weight);
  return std::vector(layouts.begin(), layouts.end());
}

absl::StatusOr<KernelRun> KernelRun::Create(const OpCase& op_case, const KernelEntry& entry, const WeightLayout& layout,
                                            const DeviceInfo& device) {
  KernelRun run(op_case);
  run.row_dim_ = op_case.row_dim();
  run.in_specs_ = op_case.in_specs();
  run.packed_.resize(op_case.in.size());
  for (size_t i = 0; i < op_case.in.size(); ++i) {
    if (!op_case.in[i].is_weight) continue;
    run.in_specs_[i].layout = layout.id;
    run.packed_[i] = Pack(layout, op_case.in[i]);
  }
  ASSIGN_OR_RETURN(run.out_specs_, op_case.op.schema().infer(op_case.op, run.in_specs_));
  const std::vector<RowRange> rows = RowRanges(run.row_dim_, LimitsOf(op_case.largest));
  const Problem problem = {op_case.op, run.in_specs_, run.out_specs_, rows, entry.exactness, device};
  RETURN_IF_ERROR(entry.supports(problem));
  ASSIGN_OR_RETURN(run.kernel_, entry.prepare(problem));
  return run;
}

std::vector<std::byte> KernelRun::InputBytes(size_t index, const Slice& slice) const {
  if (!packed_[index].empty()) return packed_[index];
  const TensorSpec& spec = in_specs_[index];
  const std::vector<std::byte>& data = op_case_->in[index].data;
  const int64_t leading = spec.shape.leading();
  if (leading >= 0 || leading == kBlocks) return data;
  const auto begin = data.begin() + (leading == row_dim_ ? slice.first_row : 0) * spec.row_bytes();
  return {begin, begin + RowsOf(spec, slice) * spec.row_bytes()};
}

absl::StatusOr<Results> KernelRun::Launch(const Slice& slice, Launcher& launcher) const {
  FencedLaunch launch{.scratch = GuardedBytes(kernel_->scratch_bytes()), .extents = slice.extents};
  for (size_t i = 0; i < in_specs_.size(); ++i) {
    const std::vector<std::byte> bytes = InputBytes(i, slice);
    launch.in.emplace_back(std::ssize(bytes));
    std::ranges::copy(bytes, launch.in.back().data());
    launch.in_specs.push_back(&in_specs_[i]);
  }
  for (const TensorSpec& spec : out_specs_) {
    launch.out.emplace_back(RowsOf(spec, slice) * spec.row_bytes());
    launch.out_specs.push_back(&spec);
  }
  RETURN_IF_ERROR(launcher.Launch(*kernel_, launch));

  const auto intact = [](const GuardedBytes& memory) { return memory.FencesAreIntact(); };
  if (!std::ranges::all_of(launch.in, intact) || !std::ranges::all_of(launch.out, intact) || !intact(launch.scratch)) {
    return DataLoss("it wrote outside its outputs and scratch");
  }
  Results results;
  for (const GuardedBytes& out : launch.out) results.emplace_back(out.bytes().begin(), out.bytes().end());
  for (size_t i = 0; i < launch.in.size(); ++i) {
    const std::span<std::byte> bytes = launch.in[i].bytes();
    if (static_cast<int>(i) == op_case_->op.schema().mutated_input) {
      results.emplace_back(bytes.begin(), bytes.end());
    } else if (!std::ranges::equal(bytes, InputBytes(i, slice))) {
      return DataLoss("it changed its input %d", i);
    }
  }
  return results;
}

}  // namespace engine
