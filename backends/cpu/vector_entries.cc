#include "backends/cpu/vector_entries.h"

namespace engine::cpu {

absl::Status RequireIsa(const Problem& problem, Isa isa) {
  const std::optional<Isa> have = ParseIsa(problem.device.isa);
  if (have && *have >= isa) return absl::OkStatus();
  return FailedPrecondition("needs %s; %s runs %s", Name(isa), problem.device.name, problem.device.isa);
}

}  // namespace engine::cpu
