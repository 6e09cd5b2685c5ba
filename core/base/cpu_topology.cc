#include "core/base/cpu_topology.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace engine {
namespace {

std::vector<int> ReadCpuList(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return ParseCpuList(line);
}

std::map<int, int> NodesOfCpus(const std::string& system) {
  std::map<int, int> nodes;
  std::error_code missing;  // a kernel without NUMA has no such directory
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator it(system + "/node", missing); it != end; it.increment(missing)) {
    const std::string name = it->path().filename();
    int node = 0;
    if (!name.starts_with("node") || !absl::SimpleAtoi(name.substr(4), &node)) continue;
    for (const int cpu : ReadCpuList(it->path() / "cpulist")) nodes[cpu] = node;
  }
  return nodes;
}

// The first thread of the CPU's core.
int CoreOf(int cpu, const std::string& system) {
  const std::vector<int> siblings =
      ReadCpuList(absl::StrFormat("%s/cpu/cpu%d/topology/thread_siblings_list", system, cpu));
  return siblings.empty() ? cpu : siblings.front();
}

}  // namespace

std::vector<int> ParseCpuList(const std::string& list) {
  std::vector<int> cpus;
  std::istringstream ranges(list);
  for (std::string range; std::getline(ranges, range, ',');) {
    int first = 0, last = 0;
    const int numbers = std::sscanf(range.c_str(), "%d-%d", &first, &last);
    if (numbers < 1) continue;
    for (int cpu = first; cpu <= (numbers == 2 ? last : first); ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<CpuPlace> PlaceCpus(std::span<const int> cpus, const std::string& system) {
  std::map<int, int> nodes = NodesOfCpus(system);
  std::vector<std::tuple<int, int, int>> keys;  // node, core, CPU
  for (const int cpu : cpus) keys.emplace_back(nodes[cpu], CoreOf(cpu, system), cpu);
  std::ranges::sort(keys);
  std::vector<CpuPlace> places;
  for (const auto& [node, core, cpu] : keys) places.push_back({.cpu = cpu, .node = node});
  return places;
}

void PreferNode(std::span<std::byte> memory, int node) {
  constexpr int kDefault = 0, kPreferred = 1;  // of linux/mempolicy.h, which not every system has
  constexpr int kBits = 64;
  constexpr int kWords = 16;
  if (node < 0 || node >= kWords * kBits) return;
  int policy = kDefault;
  if (syscall(SYS_get_mempolicy, &policy, nullptr, 0UL, nullptr, 0UL) == 0 && policy != kDefault) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(memory.data()) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory.data()) + memory.size()) / page * page;
  if (begin >= end) return;
  unsigned long nodes[kWords] = {};
  nodes[node / kBits] = 1UL << node % kBits;
  // Advice: memory elsewhere works too. The kernel reads one bit less than it is told.
  syscall(SYS_mbind, begin, end - begin, kPreferred, nodes, kWords * kBits + 1UL, 0U);
}

}  // namespace engine
