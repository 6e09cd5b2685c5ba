#include "ops/kv_write.h"

#include <cstring>

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_code.h"
#include "backends/cpu/row_kernel.h"
#include "core/base/bf16.h"
#include "ops/kv_layout.h"

namespace engine::cpu {
namespace {

// Calls store(key, value, token of the block, K part, V part) for every head of rows [begin, end).
template <DType kDType, typename Key, typename Element, typename Store>
void ForEachHead(const KvWrite& op, const LaunchArgs& args, int64_t begin, int64_t end, Store store) {
  const int32_t* slots = args.in[2].as<const int32_t>();
  const int64_t row = int64_t{op.kv_heads} * op.head_dim;
  for (int64_t t = begin; t < end; ++t) {
    if (slots[t] < 0) continue;
    for (int64_t head = 0; head < op.kv_heads; ++head) {
      const int64_t source = t * row + head * op.head_dim;
      Element* keys =
          args.in[3].as<Element>() + KvHeadOffset(kDType, slots[t] / kKvBlockTokens, head, op.kv_heads, op.head_dim);
      store(args.in[0].as<const Key>() + source, args.in[1].as<const float>() + source, slots[t] % kKvBlockTokens, keys,
            keys + KvValuesOffset(kDType, op.head_dim));
    }
  }
}

float Stored(float value, float) { return value; }
uint16_t Stored(float value, uint16_t) { return F32ToBf16(value); }

// Plain stores serve every instruction set: the layout scatters a token's numbers over 1 to 4 byte places anyway, and
// no load follows them, so the store port is the limit.
template <DType kDType, typename Element>
struct KvRows {
  KvWrite op;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const auto store = [&](const Element* key, const float* value, int64_t token, Element* keys, Element* values) {
      for (int64_t i = 0; i < op.head_dim; ++i) {
        keys[KeyOffset(kDType, token, i)] = key[i];
        values[ValueOffset(kDType, op.head_dim, token, i)] = Stored(value[i], Element{});
      }
    };
    ForEachHead<kDType, Element, Element>(op, args, begin, end, store);
  }
};

struct Int8KvRows {
  KvWrite op;
  const RowCode& code;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const int64_t head_dim = op.head_dim;
    const auto store = [&](const float* key, const float* value, int64_t token, int8_t* keys, int8_t* values) {
      int8_t q[kMaxHeadDim];
      ScaleOf(keys, token) = code.int8_head(key, head_dim, q).scale;
      for (int64_t i = 0; i < head_dim; i += 4) std::memcpy(keys + KeyOffset(DType::kI8, token, i), q + i, 4);
      ScaleOf(values, token) = code.int8_head(value, head_dim, q).scale;
      for (int64_t i = 0; i < head_dim; ++i) values[ValueOffset(DType::kI8, head_dim, token, i)] = q[i];
    };
    ForEachHead<DType::kI8, float, int8_t>(op, args, begin, end, store);
  }

  float& ScaleOf(int8_t* part, int64_t token) const {
    return reinterpret_cast<float*>(part + KvScalesOffset(op.head_dim))[token];
  }
};

struct KvWriteFamily {
  static constexpr std::string_view kNames[] = {"kv_write.portable", "kv_write.avx2", "kv_write.avx512"};
  static const OpSchema& Schema() { return SchemaOf(KvWrite{}); }
  static absl::Status Supports(const Problem& problem) { return RequireHeadDim(problem.op.as<KvWrite>().head_dim); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    const KvWrite& op = problem.op.as<KvWrite>();
    const int64_t tokens = problem.in[0].shape.leading();
    const DType dtype = problem.in[3].dtype;
    if (dtype == DType::kI8) return MakeRowKernel(tokens, Int8KvRows{op, RowCodeFor(isa)});
    if (dtype == DType::kF32) return MakeRowKernel(tokens, KvRows<DType::kF32, float>{op});
    return MakeRowKernel(tokens, KvRows<DType::kBF16, uint16_t>{op});
  }
};

}  // namespace

VectorKernels KvWriteKernels() { return VectorEntries<KvWriteFamily>(); }

}  // namespace engine::cpu
