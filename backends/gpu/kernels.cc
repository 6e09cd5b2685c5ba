#include "backends/gpu/kernels.h"

#include "backends/gpu/op_kernels.h"
#include "backends/gpu/panel_layout.h"

namespace engine::gpu {

void RegisterGpuKernels(KernelRegistry& registry, std::string_view kind) {
  registry.Add(kind, AddKernel());
  registry.Add(kind, AddRmsNormKernel());
  registry.Add(kind, AllGatherKernel());
  registry.Add(kind, EmbeddingKernel());
  registry.Add(kind, LibraryGatedMlpKernel());
  registry.Add(kind, MatrixGatedMlpKernel());
  registry.Add(kind, GatedMlpKernel());
  registry.Add(kind, GatherRowsKernel());
  registry.Add(kind, HeadRmsNormKernel());
  registry.Add(kind, KvWriteKernel());
  registry.Add(kind, LibraryLinearKernel());
  registry.Add(kind, MatrixLinearKernel());
  registry.Add(kind, LinearKernel());
  registry.Add(kind, MatrixPagedAttentionKernel());
  registry.Add(kind, PagedAttentionKernel());
  registry.Add(kind, QkNormRopeKernel());
  registry.Add(kind, QuantiseKernel());
  registry.Add(kind, RmsNormKernel());
  registry.Add(kind, RopeKernel());
  registry.Add(kind, SampleKernel());
  registry.Add(kind, SiluMulKernel());

  registry.Add(kind, PanelLayout());
}

}  // namespace engine::gpu
