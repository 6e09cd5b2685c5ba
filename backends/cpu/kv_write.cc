#include "ops/kv_write.h"

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_kernel.h"
#include "core/base/bf16.h"
#include "ops/kv_layout.h"

namespace engine::cpu {
namespace {

float Stored(float value, float) { return value; }
uint16_t Stored(float value, uint16_t) { return F32ToBf16(value); }

// Plain stores serve every instruction set: the layout scatters a token's numbers over 2 and 4 byte places anyway, and
// no load follows them, so the store port is the limit.
template <DType kDType, typename Element>
struct KvRows {
  KvWrite op;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const int32_t* slots = args.in[2].as<const int32_t>();
    const int64_t row = int64_t{op.kv_heads} * op.head_dim;
    for (int64_t t = begin; t < end; ++t) {
      if (slots[t] < 0) continue;
      for (int64_t head = 0; head < op.kv_heads; ++head) {
        const int64_t source = t * row + head * op.head_dim;
        Element* cache =
            args.in[3].as<Element>() + KvHeadOffset(slots[t] / kKvBlockTokens, head, op.kv_heads, op.head_dim);
        StoreHead(args.in[0].as<const Element>() + source, args.in[1].as<const float>() + source,
                  slots[t] % kKvBlockTokens, cache);
      }
    }
  }

  void StoreHead(const Element* key, const float* value, int64_t token, Element* cache) const {
    Element* values = cache + KvValuesOffset(op.head_dim);
    for (int64_t i = 0; i < op.head_dim; ++i) {
      cache[KeyOffset(kDType, token, i)] = key[i];
      values[ValueOffset(kDType, op.head_dim, token, i)] = Stored(value[i], Element{});
    }
  }
};

}  // namespace

KernelEntry KvWriteScatter() {
  return {.name = "kv_write.scatter",
          .op = &SchemaOf(KvWrite{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            const KvWrite& op = problem.op.as<KvWrite>();
            const int64_t tokens = problem.in[0].shape.leading();
            if (problem.in[3].dtype == DType::kF32) return MakeRowKernel(tokens, KvRows<DType::kF32, float>{op});
            return MakeRowKernel(tokens, KvRows<DType::kBF16, uint16_t>{op});
          }};
}

}  // namespace engine::cpu
