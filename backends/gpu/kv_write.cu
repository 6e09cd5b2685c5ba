// cache[slot of t] = k[t], v[t], v rounded once; int8 with a scale for each token's head of k and of v.
// A block has four heads of tokens, 32 lanes for the key of each and 32 for its value.
// A lane owns every 32nd dimension.
#include "backends/gpu/kv_write.h"
#include "backends/gpu/store_row.h"
#include "ops/kv_layout.h"

namespace engine::gpu {

GPU_FN void Store(float x, float& out) { out = x; }
GPU_FN void Store(float x, uint16_t& out) { out = F32ToBf16(x); }

// Where one head's key or value of a token lies.
template <DType kType>
struct KvPlace {
  bool is_key;
  int token;  // of its block
  int head_dim;

  GPU_FN int64_t operator()(int i) const {
    return is_key ? KeyOffset(kType, token, i) : ValueOffset(kType, head_dim, token, i);
  }
};

template <typename T, DType kType>
GPU_FN void WritePlain(const KvWriteArgs& args, int64_t head, const KvPlace<kType>& place, T* part) {
  for (int i = Tid() % 32; i < args.head_dim; i += 32) {
    const int64_t at = head * args.head_dim + i;
    if (place.is_key) {
      part[place(i)] = reinterpret_cast<const T*>(args.k)[at];
    } else {
      Store(args.v[at], part[place(i)]);
    }
  }
}

// All lanes take part; `part` is null where nothing is stored.
GPU_FN void WriteInt8(const KvWriteArgs& args, int64_t head, const KvPlace<DType::kI8>& place, int8_t* part) {
  const float* x = (place.is_key ? reinterpret_cast<const float*>(args.k) : args.v) + head * args.head_dim;
  uint32_t largest = 0;
  for (int i = Tid() % 32; i < args.head_dim; i += 32) {
    const uint32_t magnitude = MagnitudeBits(x[i]);
    largest = magnitude > largest ? magnitude : largest;
  }
  const float scale = Int8Scale(GroupMax<32>(largest));
  if (part == nullptr) return;
  for (int i = Tid() % 32; i < args.head_dim; i += 32) part[place(i)] = QuantisedInt8(x[i], scale);
  if (Tid() % 32 == 0) reinterpret_cast<float*>(part + KvScalesOffset(args.head_dim))[place.token] = scale;
}

template <typename T, DType kType>
GPU_FN void WriteHead(const KvWriteArgs& args) {
  const int64_t index = int64_t{Bid()} * kKvHeadsPerBlock + Tid() / 64;
  const int64_t head = index < args.num_heads ? index : args.num_heads - 1;
  const int32_t slot = args.slots[head / args.kv_heads];
  const KvPlace<kType> place = {Tid() % 64 < 32, static_cast<int>(slot % kKvBlockTokens), args.head_dim};
  T* part = nullptr;
  if (index < args.num_heads && slot >= 0) {
    part = reinterpret_cast<T*>(args.cache) +
           KvHeadOffset(kType, slot / kKvBlockTokens, head % args.kv_heads, args.kv_heads, args.head_dim) +
           (place.is_key ? 0 : KvValuesOffset(kType, args.head_dim));
  }
  if constexpr (kType == DType::kI8) {
    WriteInt8(args, head, place, part);
  } else if (part != nullptr) {
    WritePlain<T>(args, head, place, part);
  }
}

GPU_KERNEL(kv_write_f32, KvWriteArgs, kKvWriteF32.threads) { WriteHead<float, DType::kF32>(args); }
GPU_KERNEL(kv_write_bf16, KvWriteArgs, kKvWriteBf16.threads) { WriteHead<uint16_t, DType::kBF16>(args); }
GPU_KERNEL(kv_write_int8, KvWriteArgs, kKvWriteInt8.threads) { WriteHead<int8_t, DType::kI8>(args); }

}  // namespace engine::gpu
