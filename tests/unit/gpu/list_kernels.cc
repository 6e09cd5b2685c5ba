// Prints every GPU kernel, a line each: name, threads of a block, bytes of shared memory.
#include <iostream>

#include "backends/gpu/instances.h"

int main() {
  for (const engine::gpu::KernelInstance* kernel : engine::gpu::kInstances) {
    std::cout << kernel->name << ' ' << kernel->threads << ' ' << kernel->shared_bytes << '\n';
  }
}
