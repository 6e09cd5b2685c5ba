#include "conformance/check_case.h"

#include <algorithm>
#include <memory>

#include "conformance/compare.h"
#include "conformance/kernel_run.h"
#include "core/base/check.h"

namespace engine {
namespace {

std::vector<Slice> Slices(const OpCase& op_case, bool all, int repetitions) {
  std::vector<Slice> slices(repetitions, {op_case.largest});
  const int64_t dim = op_case.row_dim();
  const int64_t rows = Resolve(dim, op_case.largest);
  std::vector<StepExtents> steps = op_case.steps.empty() ? RowSteps(op_case.largest, dim) : op_case.steps;
  // More workers than one are about who computes a row, not about how many there are: two small steps will do.
  if (!all) steps.resize(std::min<size_t>(steps.size(), 2));
  for (const StepExtents& step : steps) slices.push_back({step});
  if (!op_case.rows_alone || !all) return slices;
  for (const int64_t row : {int64_t{1}, int64_t{7}, rows / 2, rows - 1}) {
    if (row > 0 && row < rows) slices.push_back({WithRows(op_case.largest, dim, 1), row});
  }
  return slices;
}

absl::StatusOr<std::unique_ptr<Launcher>> LauncherOf(const ConformanceDevice& device, int workers) {
  if (device.device == nullptr) return LaunchOnTeam(workers);
  return LaunchOnDevice(*device.device, !device.checks_memory);
}

// Checks the runs of one entry with one layout against the reference's result for the largest step.
class Checker {
 public:
  Checker(const OpCase& op_case, const KernelEntry& entry, const Results& reference, std::string who, int repetitions,
          Report& report)
      : op_case_(op_case),
        entry_(entry),
        reference_(reference),
        who_(std::move(who)),
        repetitions_(repetitions),
        report_(report) {}

  void Run(const KernelRun& run, int workers, const ConformanceDevice& device) {
    const auto launcher = LauncherOf(device, workers);
    if (!launcher.ok()) {
      report_.failures.push_back(absl::StrFormat("%s: %s", who_, Message(launcher.status())));
      return;
    }
    for (const Slice& slice : Slices(op_case_, workers == 1, repetitions_)) {
      ++report_.launches;
      const absl::StatusOr<Results> results = run.Launch(slice, **launcher);
      std::optional<std::string> found;
      if (!results.ok()) {
        found = std::string(Message(results.status()));
      } else {
        if (own_.empty()) own_ = *results;
        found = Compare(run, slice, *results);
      }
      if (found) report_.failures.push_back(Describe(slice, workers) + *found);
      if (own_.empty()) return;  // the largest step is the first: without it, others have nothing to be compared with
    }
  }

 private:
  std::string Describe(const Slice& slice, int workers) const {
    const int64_t rows = Resolve(op_case_.row_dim(), slice.extents);
    return absl::StrFormat("%s, %s, rows %d + %d, %d workers: ", who_, op_case_.name, slice.first_row, rows, workers);
  }

  std::optional<std::string> Compare(const KernelRun& run, const Slice& slice, const Results& results) const {
    for (size_t o = 0; o < results.size(); ++o) {
      // What follows the outputs is the mutated input, the same size in every step.
      const bool mutated = o >= run.out_specs().size();
      const TensorSpec& spec = mutated ? op_case_.in[op_case_.op.schema().mutated_input].spec : run.out_specs()[o];
      const int64_t rows = mutated ? static_cast<int64_t>(results[o].size()) / spec.row_bytes()
                                   : Resolve(spec.shape.leading(), slice.extents);
      const int64_t offset = mutated ? 0 : slice.first_row * spec.row_bytes();
      if (auto found = CompareOutput(spec, rows, slice, results[o].data(), o, offset)) return found;
    }
    return std::nullopt;
  }

  std::optional<std::string> CompareOutput(const TensorSpec& spec, int64_t rows, const Slice& slice,
                                           const std::byte* got, size_t output, int64_t offset) const {
    const std::byte* want = reference_[output].data() + offset;
    if (entry_.exactness == Exactness::kExact) return FirstDifference(spec, rows, got, want);
    const bool is_number = spec.dtype == DType::kF32 || spec.dtype == DType::kBF16 || spec.dtype == DType::kQ8Group;
    if (op_case_.bound == nullptr || !is_number) {
      return FirstDifference(spec, rows, got, want);  // without a bound, only the reference will do
    }
    auto found = FirstBeyond(spec, rows, slice.first_row, op_case_.bound, got, want);
    if (found || entry_.exactness == Exactness::kFast) return found;
    found = FirstDifference(spec, rows, got, own_[output].data() + offset);
    if (found) *found += " (the reference here: itself over all rows)";
    return found;
  }

  const OpCase& op_case_;
  const KernelEntry& entry_;
  const Results& reference_;
  std::string who_;
  int repetitions_;
  Report& report_;
  Results own_;  // of the largest step
};

// All numbers of workers. OK, or why the entry declines.
absl::Status CheckLayout(const OpCase& op_case, const KernelEntry& entry, const WeightLayout& layout,
                         const ConformanceDevice& device, Checker& checker) {
  for (const int workers : device.device == nullptr ? std::vector{1, 2, 3} : std::vector{1}) {
    DeviceInfo info = device.info;
    info.workers = workers;
    ASSIGN_OR_RETURN(const KernelRun run, KernelRun::Create(op_case, entry, layout, info));
    checker.Run(run, workers, device);
  }
  return absl::OkStatus();
}

// All layouts.
absl::Status CheckEntry(const OpCase& op_case, const KernelEntry& entry, const Results& reference,
                        const ConformanceDevice& device, int repetitions, Report& report) {
  ASSIGN_OR_RETURN(const std::vector<LayoutId> layouts, LayoutsOf(op_case, entry, device.info));
  for (const LayoutId& id : layouts) {
    const std::string who = absl::StrFormat("%s (%s, %s)", entry.name, device.info.isa, id.name);
    const WeightLayout* layout = device.registry.FindLayout(device.info.kind, id);
    if (layout == nullptr) {
      report.failures.push_back(who + ": the layout is not registered");
      continue;
    }
    report.checked.push_back(who);
    Checker checker(op_case, entry, reference, who, repetitions, report);
    RETURN_IF_ERROR(CheckLayout(op_case, entry, *layout, device, checker));
  }
  return absl::OkStatus();
}

}  // namespace

Report CheckCase(const OpCase& op_case, const ConformanceDevice& device, int repetitions) {
  Report report;
  const KernelEntry reference_entry = ReferenceKernel(op_case.op.schema());
  const std::unique_ptr<Launcher> on_host = LaunchOnTeam(1);
  auto reference_run = KernelRun::Create(op_case, reference_entry, RowMajorLayout(), device.info);
  ENGINE_CHECK(reference_run.ok());
  const auto reference = reference_run->Launch({op_case.largest}, *on_host);
  if (!reference.ok()) {
    report.failures.push_back(absl::StrFormat("reference, %s: %s", op_case.name, Message(reference.status())));
    return report;
  }
  std::vector<const KernelEntry*> entries = device.registry.Entries(device.info.kind, op_case.op.name());
  // The reference proves nothing about itself but that rows do not depend on their neighbours, which the others show too.
  std::erase_if(entries, [](const KernelEntry* entry) { return entry->name == kReferenceName; });
  if (entries.empty() && device.device == nullptr) entries.push_back(&reference_entry);
  for (const KernelEntry* entry : entries) {
    const absl::Status answer = CheckEntry(op_case, *entry, *reference, device, repetitions, report);
    if (answer.ok()) continue;
    report.skips.push_back(absl::StrFormat("%s (%s): %s", entry->name, device.info.isa, Message(answer)));
  }
  return report;
}

}  // namespace engine
