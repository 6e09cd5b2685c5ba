#include "backends/cpu/kernels.h"

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

// Last in every list: always there, and the definition of the result.
template <typename... Ops>
void AddReferences(KernelRegistry& registry) {
  (registry.Add("cpu", ReferenceKernel(SchemaOf(Ops{}))), ...);
}

}  // namespace

void RegisterCpuKernels(KernelRegistry& registry) {
  registry.Add("cpu", RowMajorLayout());

  AddReferences<Add, AddRmsNorm, Embedding, GatedMlp, GatherRows, HeadRmsNorm, KvWrite, Linear, PagedAttention,
                QkNormRope, Quantise, RmsNorm, Rope, Sample, SiluMul>(registry);
}

}  // namespace engine
