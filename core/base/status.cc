#include "core/base/status.h"

namespace engine {

absl::Status Annotate(const absl::Status& status, std::string_view prefix) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrFormat("%s: %s", prefix, Message(status)));
}

}  // namespace engine
