// out[t] = dequantise(table[id of t]) * scale; zeros for an id of -1.
// A block has one row.
// A thread owns every 256th element, or in block formats every 256th group of 32.
#include "backends/gpu/embedding.h"
#include "backends/gpu/weight_group.h"

namespace engine::gpu {

template <DType kType>
GPU_FN void ReadGroups(const EmbeddingArgs& args, int32_t id, float* out) {
  constexpr PanelRecord kRecord = RecordOf(kType);
  const BlockPanel panel{args.table + id / kPanelRows * args.panel_bytes, args.block_shift};
  for (int g = Tid(); g < args.d / kPanelGroup; g += kEmbedding.threads) {
    const WeightGroup<kType> group = LoadGroup<kType>(panel, g, id % kPanelRows);
#pragma unroll
    for (int i = 0; i < kPanelGroup; ++i) {
      const int q = static_cast<int8_t>(group.quads[i / 4] >> (i % 4 * 8)) - group.zero_point;
      const float product = group.scale[i * kRecord.segments / kPanelGroup] * static_cast<float>(q);
      out[g * kPanelGroup + i] = (kRecord.has_offset ? product + group.offset : product) * args.scale;
    }
  }
}

GPU_FN float Widened(DType dtype, const std::byte* elements, int64_t at) {
  if (dtype == DType::kF32) return reinterpret_cast<const float*>(elements)[at];
  const uint16_t bits = reinterpret_cast<const uint16_t*>(elements)[at];
  return dtype == DType::kF16 ? WidenF16(bits) : Bf16ToF32(bits);
}

GPU_FN void ReadElements(const EmbeddingArgs& args, int32_t id, float* out) {
  const int element_bytes = args.table_dtype == DType::kF32 ? 4 : 2;
  const int unit = kPanelUnit / element_bytes;
  const bool in_panels = args.panel_bytes > 0;
  const std::byte* begin =
      args.table + (in_panels ? id / kPanelRows * args.panel_bytes : int64_t{id} * args.d * element_bytes);
  for (int i = Tid(); i < args.d; i += kEmbedding.threads) {
    const int64_t in_panel = (int64_t{i / unit} * kPanelRows + id % kPanelRows) * unit + i % unit;
    out[i] = Widened(args.table_dtype, begin, in_panels ? in_panel : i) * args.scale;
  }
}

GPU_KERNEL(embedding, EmbeddingArgs, kEmbedding.threads) {
  const int32_t token = args.tokens[Bid()];
  const int32_t id = token >= 0 ? token : args.previous[-1 - token];
  float* out = args.out + int64_t{Bid()} * args.d;
  if (id < 0) {
    for (int i = Tid(); i < args.d; i += kEmbedding.threads) out[i] = 0.0f;
    return;
  }
  switch (args.table_dtype) {
    case DType::kQ4_0:
      return ReadGroups<DType::kQ4_0>(args, id, out);
    case DType::kQ4_1:
      return ReadGroups<DType::kQ4_1>(args, id, out);
    case DType::kQ5_0:
      return ReadGroups<DType::kQ5_0>(args, id, out);
    case DType::kQ5_1:
      return ReadGroups<DType::kQ5_1>(args, id, out);
    case DType::kQ8_0:
      return ReadGroups<DType::kQ8_0>(args, id, out);
    case DType::kW8:
      return ReadGroups<DType::kW8>(args, id, out);
    case DType::kQ4_K:
      return ReadGroups<DType::kQ4_K>(args, id, out);
    case DType::kQ5_K:
      return ReadGroups<DType::kQ5_K>(args, id, out);
    case DType::kQ6_K:
      return ReadGroups<DType::kQ6_K>(args, id, out);
    case DType::kIQ4_NL:
      return ReadGroups<DType::kIQ4_NL>(args, id, out);
    case DType::kIQ4_XS:
      return ReadGroups<DType::kIQ4_XS>(args, id, out);
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      return ReadElements(args, id, out);
    default:
      return ReadGroups<DType::kW4G32>(args, id, out);
  }
}

}  // namespace engine::gpu
