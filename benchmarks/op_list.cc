#include "benchmarks/op_list.h"

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "benchmarks/attention_loads.h"
#include "benchmarks/row_op_loads.h"
#include "benchmarks/weight_loads.h"

namespace engine {
namespace {

struct TimedOp {
  std::string_view name;
  std::vector<OpLoad> (*list)(const OpSelection& selection);
};

constexpr TimedOp kTimedOps[] = {
    {"linear", LinearLoads},
    {"gated_mlp", GatedMlpLoads},
    {"embedding", EmbeddingLoads},
    {"paged_attention", AttentionLoads},
    {"kv_write", KvWriteLoads},
    {"qk_norm_rope", QkNormRopeLoads},
    {"rope", RopeLoads},
    {"rms_norm", RmsNormLoads},
    {"add_rms_norm", AddRmsNormLoads},
    {"quantise", QuantiseLoads},
    {"silu_mul", SiluMulLoads},
    {"head_rms_norm", HeadRmsNormLoads},
    {"add", AddLoads},
    {"gather_rows", GatherRowsLoads},
    {"sample", SampleLoads},
};

template <typename T>
bool Takes(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

}  // namespace

std::span<const std::string_view> TimedOps() {
  static constexpr auto kNames = [] {
    std::array<std::string_view, std::size(kTimedOps)> names;
    for (size_t i = 0; i < names.size(); ++i) names[i] = kTimedOps[i].name;
    return names;
  }();
  return kNames;
}

std::vector<OpLoad> ListOpLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  for (const TimedOp& op : kTimedOps) {
    if (!Takes(selection.ops, std::string(op.name))) continue;
    for (OpLoad& load : op.list(selection)) {
      const std::string name = load.name();
      const auto occurs = [&](const std::string& filter) { return absl::StrContains(name, filter); };
      if (std::ranges::all_of(selection.filters, occurs)) loads.push_back(std::move(load));
    }
  }
  return loads;
}

}  // namespace engine
