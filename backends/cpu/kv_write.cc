#include "ops/kv_write.h"

#include <cstring>
#include <type_traits>

#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_code.h"
#include "backends/cpu/row_kernel.h"
#include "ops/kv_layout.h"

namespace engine::cpu {
namespace {

// Plain stores serve every instruction set: the layout scatters a token's numbers over places of 1 to 4 bytes anyway, and
// no load follows them, so the store port is the limit.
template <DType kDType, typename Key, typename Element>
struct KvRows {
  KvWrite op;
  const RowCode& code;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const int32_t* slots = args.in[2].as<const int32_t>();
    const int64_t row = int64_t{op.kv_heads} * op.head_dim;
    for (int64_t t = begin; t < end; ++t) {
      if (slots[t] < 0) continue;
      for (int64_t head = 0; head < op.kv_heads; ++head) {
        const int64_t source = t * row + head * op.head_dim;
        Element* keys =
            args.in[3].as<Element>() + KvHeadOffset(kDType, slots[t] / kKvBlockTokens, head, op.kv_heads, op.head_dim);
        StoreHead(args.in[0].as<const Key>() + source, args.in[1].as<const float>() + source, slots[t] % kKvBlockTokens,
                  keys, keys + KvValuesOffset(kDType, op.head_dim));
      }
    }
  }

  void StoreHead(const Key* key, const float* value, int64_t token, Element* keys, Element* values) const {
    constexpr int64_t kStep = 4 / sizeof(Element);
    const int64_t head_dim = op.head_dim;  // a copy: stores of bytes could change what `this` points at
    Element buffer[kMaxHeadDim];
    const Element* k = Rounded(key, token, keys, buffer);
    for (int64_t i = 0; i < head_dim; i += kStep) std::memcpy(keys + KeyOffset(kDType, token, i), k + i, 4);
    const Element* v = Rounded(value, token, values, buffer);
    for (int64_t i = 0; i < head_dim; ++i) values[ValueOffset(kDType, head_dim, token, i)] = v[i];
  }

  // A head in the cache's type; the scale of int8 goes to its part.
  template <typename Number>
  const Element* Rounded(const Number* head, int64_t token, Element* part, Element* buffer) const {
    if constexpr (std::is_same_v<Number, Element>) {
      return head;
    } else if constexpr (kDType == DType::kI8) {
      auto* scales = reinterpret_cast<float*>(part + KvScalesOffset(op.head_dim));
      scales[token] = code.int8_head(head, op.head_dim, buffer).scale;
    } else {
      code.store(
          {.gate = head, .up = nullptr, .y = reinterpret_cast<std::byte*>(buffer), .out = kDType, .n = op.head_dim});
    }
    return buffer;
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
    const RowCode& code = RowCodeFor(isa);
    if (dtype == DType::kI8) return MakeRowKernel(tokens, KvRows<DType::kI8, float, int8_t>{op, code});
    if (dtype == DType::kF32) return MakeRowKernel(tokens, KvRows<DType::kF32, float, float>{op, code});
    return MakeRowKernel(tokens, KvRows<DType::kBF16, uint16_t, uint16_t>{op, code});
  }
};

}  // namespace

VectorKernels KvWriteKernels() { return VectorEntries<KvWriteFamily>(); }

}  // namespace engine::cpu
