#include "backends/cpu/kernels.h"

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/panel_layout.h"
#include "backends/cpu/wide_layout.h"
#include "ops/add.h"
#include "ops/add_rms_norm.h"
#include "ops/embedding.h"
#include "ops/gated_mlp.h"
#include "ops/gather_rows.h"
#include "ops/head_rms_norm.h"
#include "ops/kv_write.h"
#include "ops/linear.h"
#include "ops/paged_attention.h"
#include "ops/qk_norm_rope.h"
#include "ops/quantise.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/sample.h"
#include "ops/silu_mul.h"

namespace engine {
namespace {

// One op's entries, best first.
void AddAll(KernelRegistry& registry, std::span<const KernelEntry> entries) {
  for (const KernelEntry& entry : entries) registry.Add("cpu", entry);
}

// Last in every list: always there, and the definition of the result.
template <typename... Ops>
void AddReferences(KernelRegistry& registry) {
  (registry.Add("cpu", ReferenceKernel(SchemaOf(Ops{}))), ...);
}

}  // namespace

void RegisterCpuKernels(KernelRegistry& registry) {
  registry.Add("cpu", cpu::PanelLayout());
  registry.Add("cpu", cpu::WideLayout());

  registry.Add("cpu", cpu::AddRows());
  registry.Add("cpu", cpu::EmbeddingRows());
  registry.Add("cpu", cpu::GatherRowsCopy());
  AddAll(registry, cpu::AddRmsNormKernels());
  AddAll(registry, cpu::GatedMlpPanelFastKernels());
  AddAll(registry, cpu::GatedMlpPanelKernels());
  AddAll(registry, cpu::HeadRmsNormKernels());
  AddAll(registry, cpu::KvWriteKernels());
  AddAll(registry, cpu::LinearOneDnnKernels());
  AddAll(registry, cpu::LinearPanelFastKernels());
  AddAll(registry, cpu::LinearPanelKernels());
  AddAll(registry, cpu::PagedAttentionFastKernels());
  AddAll(registry, cpu::PagedAttentionKernels());
  AddAll(registry, cpu::QkNormRopeKernels());
  AddAll(registry, cpu::QuantiseKernels());
  AddAll(registry, cpu::RmsNormKernels());
  AddAll(registry, cpu::RopeKernels());
  AddAll(registry, cpu::SampleKernels());
  AddAll(registry, cpu::SiluMulKernels());

  AddReferences<Add, AddRmsNorm, Embedding, GatedMlp, GatherRows, HeadRmsNorm, KvWrite, Linear, PagedAttention,
                QkNormRope, Quantise, RmsNorm, Rope, Sample, SiluMul>(registry);
}

}  // namespace engine
