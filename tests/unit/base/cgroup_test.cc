#include "core/base/cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace engine {
namespace {

// What a process finds of its groups.
class FakeTree {
 public:
  explicit FakeTree(const std::string& membership) { dir_.Write("membership", membership); }

  FakeTree& Add(const std::string& file, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir_.path() + "/mount/" + file).parent_path());
    dir_.Write("mount/" + file, text + "\n");
    return *this;
  }

  std::optional<int> Cpus() const { return CgroupCpus(Roots()); }
  std::optional<int64_t> MemoryBytes() const { return CgroupMemoryBytes(Roots()); }

 private:
  CgroupRoots Roots() const { return {.membership = dir_.path() + "/membership", .mount = dir_.path() + "/mount"}; }

  TempDir dir_;
};

TEST(Cgroup, LimitsOfASystemdServiceLieUnderItsPath) {
  FakeTree tree("0::/system.slice/engine.service\n");
  tree.Add("system.slice/engine.service/cpu.max", "150000 100000");
  tree.Add("system.slice/engine.service/memory.max", "4096000");
  EXPECT_EQ(tree.Cpus(), 2);
  EXPECT_EQ(tree.MemoryBytes(), 4096000);
}

TEST(Cgroup, TheLeastLimitOfAllGroupsAboveHolds) {
  FakeTree tree("0::/a/b/c\n");
  tree.Add("a/b/c/cpu.max", "max 100000").Add("a/b/cpu.max", "800000 100000").Add("a/cpu.max", "300000 100000");
  tree.Add("a/b/c/memory.max", "max").Add("a/b/memory.max", "5000").Add("a/memory.max", "7000");
  EXPECT_EQ(tree.Cpus(), 3);
  EXPECT_EQ(tree.MemoryBytes(), 5000);
}

TEST(Cgroup, AnOwnNamespaceIsTheRoot) {
  FakeTree tree("0::/\n");
  tree.Add("cpu.max", "50000 100000").Add("memory.max", "4096");
  EXPECT_EQ(tree.Cpus(), 1) << "half a CPU is one thread";
  EXPECT_EQ(tree.MemoryBytes(), 4096);
}

TEST(Cgroup, APathThatIsNotThereIsTheRootOfAContainersView) {
  for (const char* path : {"/docker/0123", "/../../engine", "/../.."}) {
    FakeTree tree("0::" + std::string(path) + "\n");
    tree.Add("cpu.max", "400000 100000").Add("memory.max", "4096");
    EXPECT_EQ(tree.Cpus(), 4) << path;
    EXPECT_EQ(tree.MemoryBytes(), 4096) << path;
  }
  FakeTree version1("4:memory:/docker/0123\n2:cpu,cpuacct:/docker/0123\n");
  version1.Add("memory/memory.limit_in_bytes", "4096");
  version1.Add("cpu,cpuacct/cpu.cfs_quota_us", "400000").Add("cpu,cpuacct/cpu.cfs_period_us", "100000");
  EXPECT_EQ(version1.Cpus(), 4);
  EXPECT_EQ(version1.MemoryBytes(), 4096);
}

TEST(Cgroup, Version1HasAHierarchyPerController) {
  FakeTree tree("5:cpuacct,cpu:/slurm/job_1\n4:memory:/slurm/job_1/step_0\n1:name=systemd:/\n");
  tree.Add("cpu/slurm/job_1/cpu.cfs_quota_us", "-1").Add("cpu/slurm/job_1/cpu.cfs_period_us", "100000");
  tree.Add("cpu/slurm/cpu.cfs_quota_us", "250000").Add("cpu/slurm/cpu.cfs_period_us", "100000");
  tree.Add("memory/slurm/job_1/step_0/memory.limit_in_bytes", "9223372036854771712");
  tree.Add("memory/slurm/job_1/memory.limit_in_bytes", "8192");
  EXPECT_EQ(tree.Cpus(), 3);
  EXPECT_EQ(tree.MemoryBytes(), 8192);
}

TEST(Cgroup, BothVersionsMayBeMounted) {
  FakeTree tree("3:cpuset:/\n0::/user.slice\n");
  tree.Add("unified/user.slice/cpu.max", "200000 100000").Add("unified/user.slice/memory.max", "4096");
  EXPECT_EQ(tree.Cpus(), 2);
  EXPECT_EQ(tree.MemoryBytes(), 4096);
}

TEST(Cgroup, WithoutALimitThereIsNone) {
  FakeTree tree("4:memory:/\n2:cpu:/\n0::/a\nnonsense\n");
  tree.Add("a/cpu.max", "max 100000").Add("a/memory.max", "max");
  tree.Add("cpu/cpu.cfs_quota_us", "-1").Add("cpu/cpu.cfs_period_us", "100000");
  tree.Add("memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(tree.Cpus(), std::nullopt);
  EXPECT_EQ(tree.MemoryBytes(), std::nullopt);
  EXPECT_EQ(CgroupCpus({.membership = "/nowhere", .mount = "/nowhere"}), std::nullopt);
}

}  // namespace
}  // namespace engine
