#include "cli/usage.h"

#include "absl/strings/cord.h"

namespace engine {
namespace {

constexpr char kUsagePayload[] = "engine/usage";

}  // namespace

absl::Status MarkUsageError(absl::Status status) {
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsagePayload).has_value(); }

}  // namespace engine
