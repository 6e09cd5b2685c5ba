#include "selftest/self_test.h"

#include "backends/backends.h"
#include "core/base/clock.h"
#include "selftest/kernel_checks.h"
#include "selftest/model_checks.h"
#include "selftest/speed_checks.h"

namespace engine {
namespace {

absl::StatusOr<ConformanceDevice> OpenForKernels(const SelfTestOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Device> opened, OpenDevice(options.device, {.threads = options.threads}));
  ConformanceDevice device{.info = opened->info(), .registry = {}};
  RegisterKernels(device.registry);
  if (!device.info.reads_host_memory) device.device = std::move(opened);
  return device;
}

}  // namespace

absl::Status SelfTest(const SelfTestOptions& options, const CheckSink& report) {
  const TimePoint start = Now();
  {
    ASSIGN_OR_RETURN(const ConformanceDevice device, OpenForKernels(options));
    CheckKernels(device, report);
  }
  CheckBuiltInModels(options, report);
  CheckSpeed(options, report);
  if (options.model) {
    CheckModel(options, *options.model, report);
    CheckModelSpeed(options, *options.model, report);
  }
  report({"all of it", absl::OkStatus(), absl::StrFormat("%.0f s", SecondsSince(start))});
  return absl::OkStatus();
}

}  // namespace engine
