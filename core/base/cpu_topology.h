// Which CPUs share a core, and which a node: a part of the machine with memory of its own.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace engine {

struct CpuPlace {
  int cpu;
  int node;

  bool operator==(const CpuPlace&) const = default;
};

inline constexpr char kSystemDevices[] = "/sys/devices/system";

// `cpus`, node by node, and the threads of a core side by side: neighbours share the most. `system` is where the kernel
// says so; without it, all are of node 0.
std::vector<CpuPlace> PlaceCpus(std::span<const int> cpus, const std::string& system = kSystemDevices);

// The CPUs of "0-3,8,10-11".
std::vector<int> ParseCpuList(const std::string& list);

// Where the kernel can, puts pages of `memory` that have not been touched yet on `node`; elsewhere when that is full. Where
// the calling thread has a memory policy, such as numactl's, that one holds.
void PreferNode(std::span<std::byte> memory, int node);

}  // namespace engine
