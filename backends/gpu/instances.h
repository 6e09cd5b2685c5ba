// Every GPU kernel, once. Registry, conformance, budgets and selftest walk this list.
#pragma once

#include "backends/gpu/add.h"
#include "backends/gpu/embedding.h"
#include "backends/gpu/gather_rows.h"
#include "backends/gpu/heads.h"
#include "backends/gpu/kv_write.h"
#include "backends/gpu/linear.h"
#include "backends/gpu/narrow_rows.h"
#include "backends/gpu/paged_attention.h"
#include "backends/gpu/probe.h"
#include "backends/gpu/quantise.h"
#include "backends/gpu/rms_norm.h"
#include "backends/gpu/sample.h"
#include "backends/gpu/silu_mul.h"

namespace engine::gpu {

inline constexpr const KernelInstance* kInstances[] = {
    &kAdd,
    &kAddRmsNorm,
    &kEmbedding,
    &kGatherRows,
    &kHeadRmsNorm,
    &kKvWriteBf16,
    &kKvWriteF32,
    &kKvWriteInt8,
    &kLinearBF16.one,
    &kLinearBF16.tile,
    &kLinearBF16Matrix,
    &kLinearBF16Rows,
    &kLinearF16.one,
    &kLinearF16.tile,
    &kLinearF16Matrix,
    &kLinearF32.one,
    &kLinearF32.tile,
    &kLinearIQ4_NL.one,
    &kLinearIQ4_NL.few,
    &kLinearIQ4_NL.some,
    &kLinearIQ4_NL.tile,
    &kLinearIQ4_XS.one,
    &kLinearIQ4_XS.few,
    &kLinearIQ4_XS.some,
    &kLinearIQ4_XS.tile,
    &kLinearQ4_0.one,
    &kLinearQ4_0.few,
    &kLinearQ4_0.some,
    &kLinearQ4_0.tile,
    &kLinearQ4_1.one,
    &kLinearQ4_1.few,
    &kLinearQ4_1.some,
    &kLinearQ4_1.tile,
    &kLinearQ4_K.one,
    &kLinearQ4_K.few,
    &kLinearQ4_K.some,
    &kLinearQ4_K.tile,
    &kLinearQ5_0.one,
    &kLinearQ5_0.few,
    &kLinearQ5_0.some,
    &kLinearQ5_0.tile,
    &kLinearQ5_1.one,
    &kLinearQ5_1.few,
    &kLinearQ5_1.some,
    &kLinearQ5_1.tile,
    &kLinearQ5_K.one,
    &kLinearQ5_K.few,
    &kLinearQ5_K.some,
    &kLinearQ5_K.tile,
    &kLinearQ6_K.one,
    &kLinearQ6_K.few,
    &kLinearQ6_K.some,
    &kLinearQ6_K.tile,
    &kLinearQ8_0.one,
    &kLinearQ8_0.few,
    &kLinearQ8_0.some,
    &kLinearQ8_0.tile,
    &kLinearW4.one,
    &kLinearW4.few,
    &kLinearW4.some,
    &kLinearW4.tile,
    &kLinearW8.one,
    &kLinearW8.few,
    &kLinearW8.some,
    &kLinearW8.tile,
    &kMergePartitions,
    &kNarrowRows,
    &kPagedAttentionBf16,
    &kPagedAttentionF32,
    &kPagedAttentionInt8,
    &kPagedAttentionMatrix128,
    &kPagedAttentionMatrix64,
    &kProbeBf16,
    &kProbeF32,
    &kProbeInt8,
    &kProbeRead,
    &kQkNormRope,
    &kQuantise,
    &kRmsNorm,
    &kRope,
    &kSample,
    &kSiluMul,
};

}  // namespace engine::gpu
