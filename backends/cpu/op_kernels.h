// Entries of every op but linear and gated_mlp: what backends/cpu/kernels.cc lists.
#pragma once

#include <array>

#include "core/kernel/kernel.h"

namespace engine::cpu {

// One entry for every instruction set: these move bytes.
KernelEntry AddRows();
KernelEntry EmbeddingRows();
KernelEntry GatherRowsCopy();
KernelEntry KvWriteScatter();

// Best instruction set first.
using VectorKernels = std::array<KernelEntry, 3>;
VectorKernels AddRmsNormKernels();
VectorKernels HeadRmsNormKernels();
VectorKernels PagedAttentionKernels();
VectorKernels QkNormRopeKernels();
VectorKernels QuantiseKernels();
VectorKernels RmsNormKernels();
VectorKernels RopeKernels();
VectorKernels SampleKernels();
VectorKernels SiluMulKernels();

}  // namespace engine::cpu
