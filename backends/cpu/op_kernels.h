// Entries of every op: what backends/cpu/kernels.cc lists.
#pragma once

#include <array>
#include <vector>

#include "core/kernel/kernel.h"

namespace engine::cpu {

// One entry for every instruction set: these move bytes.
KernelEntry AddRows();
KernelEntry EmbeddingRows();
KernelEntry GatherRowsCopy();

// Best instruction set first.
using VectorKernels = std::array<KernelEntry, 3>;
VectorKernels AddRmsNormKernels();
VectorKernels GatedMlpPanelKernels();
VectorKernels GatedMlpPanelFastKernels();
VectorKernels HeadRmsNormKernels();
VectorKernels KvWriteKernels();
VectorKernels LinearPanelKernels();
VectorKernels LinearPanelFastKernels();
VectorKernels PagedAttentionKernels();
VectorKernels PagedAttentionFastKernels();
VectorKernels QkNormRopeKernels();
VectorKernels QuantiseKernels();
VectorKernels RmsNormKernels();
VectorKernels RopeKernels();
VectorKernels SampleKernels();
VectorKernels SiluMulKernels();

// bf16 and f32 weights by oneDNN; empty in a build without it.
std::vector<KernelEntry> LinearOneDnnKernels();

}  // namespace engine::cpu
