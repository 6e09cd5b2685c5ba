#include "selftest/kernel_checks.h"

#include <set>

#include "absl/strings/str_join.h"

namespace engine {
namespace {

// Of the largest step of a case; smaller ones run once.
constexpr int kRepetitions = 5;

// All cases of an op.
struct Tally {
  int cases = 0;
  int launches = 0;
  int declined = 0;               // cases without a kernel
  std::string reason;             // of the first of them
  std::set<std::string> kernels;  // as checked: "linear.gpu (warp32, panel32)"
  std::vector<std::string> failures;

  void Add(Report report) {
    ++cases;
    launches += report.launches;
    kernels.insert(report.checked.begin(), report.checked.end());
    if (report.launches == 0 && declined++ == 0 && !report.skips.empty()) reason = report.skips.front();
    std::ranges::move(report.failures, std::back_inserter(failures));
  }
};

std::string Figures(const Tally& tally) {
  std::string figures =
      absl::StrFormat("%s; %d cases, %d launches", absl::StrJoin(tally.kernels, ", "), tally.cases, tally.launches);
  if (tally.declined > 0) figures += absl::StrFormat("; no kernel for %d of them: %s", tally.declined, tally.reason);
  return figures;
}

SelfTestCheck CheckOp(const OpCases& op, const ConformanceDevice& device) {
  Tally tally;
  for (const NamedCase& named : op.make()) tally.Add(CheckCase(named.make(), device, kRepetitions));
  SelfTestCheck check{.name = absl::StrFormat("%s: every kernel keeps to the reference", op.op),
                      .result = absl::OkStatus(),
                      .figures = Figures(tally)};
  if (!tally.failures.empty()) {
    check.result = DataLoss("%d of %d launches fail; the first: %s", tally.failures.size(), tally.launches,
                            tally.failures.front());
  } else if (tally.launches == 0) {
    check.result = Unimplemented("the device has no kernel that takes any case");
  }
  return check;
}

}  // namespace

void CheckKernels(const ConformanceDevice& device, const CheckSink& report, std::span<const OpCases> ops) {
  for (const OpCases& op : ops) report(CheckOp(op, device));
}

}  // namespace engine
