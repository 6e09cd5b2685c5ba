// The entries of each op, best first.
#pragma once

#include "core/kernel/kernel.h"

namespace engine::gpu {

KernelEntry AddKernel();
KernelEntry AddRmsNormKernel();
KernelEntry AllGatherKernel();
KernelEntry EmbeddingKernel();
KernelEntry GatedMlpKernel();
KernelEntry GatherRowsKernel();
KernelEntry HeadRmsNormKernel();
KernelEntry KvWriteKernel();
KernelEntry LibraryGatedMlpKernel();
KernelEntry LibraryLinearKernel();
KernelEntry MatrixGatedMlpKernel();
KernelEntry MatrixLinearKernel();
KernelEntry MatrixPagedAttentionKernel();
KernelEntry LinearKernel();
KernelEntry PagedAttentionKernel();
KernelEntry QkNormRopeKernel();
KernelEntry QuantiseKernel();
KernelEntry RmsNormKernel();
KernelEntry RopeKernel();
KernelEntry SampleKernel();
KernelEntry SiluMulKernel();

}  // namespace engine::gpu
