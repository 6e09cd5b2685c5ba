// Every GPU kernel's accesses, counted on the SIMT devices that look at each of them, stay within its budget.
#include "tests/unit/gpu/access_budgets.h"

#include <fnmatch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/instances.h"
#include "backends/gpu/kernels.h"
#include "backends/simt/simt_driver.h"
#include "benchmarks/op_list.h"
#include "benchmarks/prepared_op.h"
#include "conformance/cases.h"
#include "conformance/check_case.h"

namespace engine::gpu {
namespace {

// Launches of one group of problems, whose kernels are counted together.
struct Group {
  std::string name;
  OpSelection loads;               // none if it names no op
  std::string op;                  // of conformance, for what has no small load
  std::vector<std::string> cases;  // of that op; none: all
};

constexpr HeadShape kHeads = {.heads = 2, .kv_heads = 1, .head_dim = 64};

// Each variant of a product: of one row, of 2 to 4, of more and of many.
Group Product(const std::string& op, DType format) {
  const bool is_quantised = IsBlockQuantised(format);
  return {.name = op + "_" + std::string(Name(format)),
          .loads = {
              .ops = {op}, .formats = {format}, .shapes = {{128, is_quantised ? 512 : 256}}, .rows = {1, 4, 16, 128}}};
}

std::vector<Group> Groups() {
  std::vector<Group> groups;
  for (const DType format :
       {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K,
        DType::kIQ4_NL, DType::kIQ4_XS, DType::kW4G64, DType::kW8, DType::kBF16, DType::kF16, DType::kF32}) {
    groups.push_back(Product("linear", format));
  }
  for (const DType format : {DType::kQ4_0, DType::kBF16, DType::kF16}) groups.push_back(Product("gated_mlp", format));
  for (const char* op : {"kv_write", "qk_norm_rope", "rope", "rms_norm", "add_rms_norm", "quantise", "silu_mul",
                         "head_rms_norm", "add", "gather_rows"}) {
    groups.push_back({.name = op, .loads = {.ops = {op}, .rows = {4}, .heads = kHeads}});
  }
  groups.push_back({.name = "decoding_attention",
                    .loads = {.ops = {"paged_attention"}, .contexts = {288}, .heads = kHeads, .filters = {"decode"}}});
  for (const int head_dim : {64, 128}) {
    groups.push_back({.name = "prefill_attention_" + std::to_string(head_dim),
                      .loads = {.ops = {"paged_attention"},
                                .formats = {DType::kBF16},
                                .contexts = {64},
                                .heads = {.heads = 2, .kv_heads = 1, .head_dim = head_dim},
                                .filters = {"prefill@0"}}});
  }
  groups.push_back({.name = "embedding", .op = "embedding"});
  groups.push_back({.name = "sample", .op = "sample", .cases = {"vocab333"}});
  return groups;
}

void PrintTo(const Group& group, std::ostream* out) { *out << group.name; }

// What kernels cost, by name.
using Costs = std::map<std::string, SimtCounters, std::less<>>;

void Add(const SimtCounters& counters, SimtCounters& to) {
  to.global_requests += counters.global_requests;
  to.global_sectors += counters.global_sectors;
  to.global_ideal_sectors += counters.global_ideal_sectors;
  to.shared_requests += counters.shared_requests;
  to.shared_wavefronts += counters.shared_wavefronts;
}

double Ratio(uint64_t count, uint64_t ideal) {
  return ideal == 0 ? 1.0 : static_cast<double>(count) / static_cast<double>(ideal);
}

ConformanceDevice CountingDevice(int warp, Costs& costs) {
  const auto count = [&costs](std::string_view kernel, const SimtCounters& counters) {
    Add(counters, costs[std::string(kernel)]);
  };
  ConformanceDevice device{
      .device = *GpuDevice::Create(*OpenSimtDriver({.warp = warp, .checks = true, .count = count})),
      .checks_memory = true};
  device.info = device.device->info();
  RegisterGpuKernels(device.registry, "simt");
  return device;
}

void Launch(const OpLoad& load, const KernelEntry& entry, ConformanceDevice& device) {
  Buffer copies;
  const auto op = PreparedOp::Create(load, device.registry, *device.device, Numerics::kFast, entry.name, copies);
  ASSERT_TRUE(op.ok()) << load.name() << ": " << op.status();
  const auto stream = device.device->CreateStream();
  Worker worker(0, 1, nullptr);
  op->Launch(0, worker, stream->get());
  const auto ticket = (*stream)->Record();
  ASSERT_TRUE(ticket.ok() && (*stream)->Wait(*ticket).ok()) << load.name() << ": " << (*stream)->Wait(0);
}

void LaunchAll(const Group& group, ConformanceDevice& device) {
  for (const OpLoad& load : group.loads.ops.empty() ? std::vector<OpLoad>{} : ListOpLoads(group.loads)) {
    for (const KernelEntry* entry : device.registry.Entries("simt", load.op.name())) {
      if (entry->name == kReferenceName) continue;
      if (PreparedOp::Supports(load, *entry, device.info, Numerics::kFast).ok()) Launch(load, *entry, device);
    }
  }
  const auto* op = std::ranges::find(kOpCases, std::string_view(group.op), &OpCases::op);
  for (const NamedCase& named : op == std::end(kOpCases) ? std::vector<NamedCase>{} : op->make()) {
    const bool is_wanted = group.cases.empty() || std::ranges::find(group.cases, named.name) != group.cases.end();
    if (is_wanted) EXPECT_THAT(CheckCase(named.make(), device).failures, testing::IsEmpty()) << named.name;
  }
}

Costs CostsOf(const Group& group, int warp) {
  Costs costs;
  ConformanceDevice device = CountingDevice(warp, costs);
  LaunchAll(group, device);
  return costs;
}

const AccessBudget& BudgetOf(const std::string& kernel) {
  return *std::ranges::find_if(
      kAccessBudgets, [&kernel](const AccessBudget& budget) { return fnmatch(budget.kernel, kernel.c_str(), 0) == 0; });
}

// Kernels that some group has launched, where all of them run.
std::set<std::string, std::less<>>& Counted() {
  static auto& counted = *new std::set<std::string, std::less<>>;
  return counted;
}

class AccessBudgets : public testing::TestWithParam<Group> {};

TEST_P(AccessBudgets, AreKept) {
  for (const int warp : {32, 64}) {
    for (const auto& [kernel, counters] : CostsOf(GetParam(), warp)) {
      Counted().insert(kernel);
      const double sectors = Ratio(counters.global_sectors, counters.global_ideal_sectors);
      const double turns = Ratio(counters.shared_wavefronts, counters.shared_requests);
      std::cout << kernel << ", warps of " << warp << ": " << sectors << " sectors for each ideal one, " << turns
                << " turns for each request\n";
      const AccessBudget& budget = BudgetOf(kernel);
      EXPECT_LE(sectors, budget.sectors) << kernel << ", warps of " << warp << ": sectors for each ideal one";
      EXPECT_LE(turns, warp == 32 ? budget.turns32 : budget.turns64)
          << kernel << ", warps of " << warp << ": turns of shared memory for each request";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AccessBudgets, testing::ValuesIn(Groups()),
                         [](const auto& info) { return info.param.name; });

// Probes are no part of a model.
class EveryKernelIsCounted : public testing::Environment {
 public:
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*") return;
    for (const KernelInstance* kernel : kInstances) {
      EXPECT_TRUE(kernel->module == "probe" || Counted().contains(kernel->name)) << kernel->name << " was not launched";
    }
  }
};
const auto* const kCoverage = testing::AddGlobalTestEnvironment(new EveryKernelIsCounted);

}  // namespace
}  // namespace engine::gpu
