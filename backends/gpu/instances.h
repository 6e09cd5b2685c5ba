// Every GPU kernel, once. Registry, conformance, budgets and selftest walk this list.
#pragma once

#include "backends/gpu/add.h"
#include "backends/gpu/gather_rows.h"
#include "backends/gpu/heads.h"
#include "backends/gpu/kv_write.h"
#include "backends/gpu/quantise.h"
#include "backends/gpu/rms_norm.h"
#include "backends/gpu/silu_mul.h"

namespace engine::gpu {

inline constexpr const KernelInstance* kInstances[] = {
    &kAdd,         &kAddRmsNorm, &kGatherRows, &kHeadRmsNorm, &kKvWriteBf16, &kKvWriteF32,
    &kKvWriteInt8, &kQkNormRope, &kQuantise,   &kRmsNorm,     &kRope,        &kSiluMul,
};

}  // namespace engine::gpu
