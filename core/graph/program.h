// A graph compiled for one device: prepared kernels, their arguments, and where each value lives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/kernel/registry.h"

namespace engine {

struct Step {
  const KernelEntry* entry = nullptr;
  std::unique_ptr<Kernel> kernel;
  int node = 0;                 // in Program::graph
  bool barrier = false;         // workers meet before this step: it touches bytes that an earlier one touched
  int64_t scratch_offset = 0;   // steps that may run at the same time have scratch of their own
  std::vector<Candidate> walk;  // every entry that was asked
  std::vector<Tensor> in, out;  // filled by Bind, like scratch
  std::span<std::byte> scratch;
};

// Most that a step may bring; row ranges, arena and step buffers are sized by it.
struct StepLimits {
  int max_tokens = 0;
  int max_sequences = 0;
  int max_sampled = 0;
};

struct Program {
  Graph graph;  // lowered: what really runs
  StepLimits limits;
  std::vector<Step> steps;
  std::vector<int64_t> arena_offsets;  // per value; -1 when it does not live in the arena
  int64_t arena_bytes = 0;
  int64_t scratch_bytes = 0;

  // Addresses of everything the program does not own: weights, caches, step inputs and outputs, by value id (null for
  // intermediates); `arena` and `scratch` have the bytes above. Called once; the addresses stay for the program's life.
  absl::Status Bind(const std::vector<std::byte*>& addresses, std::byte* arena, std::byte* scratch);
};

// Bytes of a value at the largest step. Caches are sized by the memory plan and not answered here.
int64_t MaxBytes(const TensorSpec& spec, const StepLimits& limits);

}  // namespace engine
