#include "core/kv/cache_spec.h"

#include <algorithm>

namespace engine {
namespace {

std::string KindName(const CacheSpec& spec) {
  switch (spec.kind) {
    case CacheKind::kPaged:
      return "paged";
    case CacheKind::kWindow:
      return absl::StrFormat("window(%d)", spec.window);
    case CacheKind::kLatent:
      return "latent";
    case CacheKind::kState:
      return "state";
  }
  return "unknown";
}

absl::Status Validate(const CacheSpec& spec, int layer) {
  if (spec.kind == CacheKind::kLatent || spec.kind == CacheKind::kState) {
    return Unimplemented("layer %d: a %s cache is not supported yet; the cache keeps paged or window K and V", layer,
                         KindName(spec));
  }
  if (spec.dtype != DType::kF32 && spec.dtype != DType::kBF16 && spec.dtype != DType::kI8) {
    return Unimplemented("layer %d: a KV cache of %s is not supported yet; use f32, bf16 or int8", layer,
                         std::string(Name(spec.dtype)));
  }
  if (spec.dtype == DType::kI8 && spec.head_dim % 4 != 0) {
    return Unimplemented("layer %d: heads have %d values; an int8 KV cache needs a multiple of 4: use bf16", layer,
                         spec.head_dim);
  }
  if (spec.kv_heads < 1 || spec.head_dim < 1) {
    return InvalidArgument("layer %d: a KV cache of %d heads of %d values; both must be at least 1", layer,
                           spec.kv_heads, spec.head_dim);
  }
  if (spec.kind == CacheKind::kWindow ? spec.window < 1 : spec.window != 0) {
    return InvalidArgument("layer %d: window is %d in a %s cache; a window cache needs at least 1, a paged one 0",
                           layer, spec.window, KindName(spec));
  }
  return absl::OkStatus();
}

}  // namespace

std::string CacheSpec::ToString() const {
  return absl::StrFormat("%s %dx%d %s", KindName(*this), kv_heads, head_dim, std::string(Name(dtype)));
}

absl::StatusOr<std::vector<CacheGroup>> GroupCaches(std::span<const CacheSpec> per_layer) {
  std::vector<CacheGroup> groups;
  for (int layer = 0; layer < static_cast<int>(per_layer.size()); ++layer) {
    const CacheSpec& spec = per_layer[layer];
    RETURN_IF_ERROR(Validate(spec, layer));
    auto group = std::find_if(groups.begin(), groups.end(), [&](const CacheGroup& g) { return g.spec == spec; });
    if (group == groups.end()) group = groups.insert(groups.end(), CacheGroup{.spec = spec});
    group->layers.push_back(layer);
  }
  return groups;
}

int64_t BlockBytes(const CacheSpec& spec) {
  const int64_t scale_bytes = spec.dtype == DType::kI8 ? kKvScaleBytes : 0;
  return 2 * kBlockTokens * spec.kv_heads * (RowBytes(spec.dtype, spec.head_dim) + scale_bytes);
}

int64_t BlockBytes(const CacheGroup& group) {
  return BlockBytes(group.spec) * static_cast<int64_t>(group.layers.size());
}

int64_t BlocksBehind(const CacheSpec& spec, int64_t num_blocks) {
  return spec.kind == CacheKind::kWindow ? std::min(num_blocks, BlocksForTokens(spec.window - 1)) : num_blocks;
}

int64_t PeakBlocks(const CacheSpec& spec, int64_t num_tokens, int64_t chunk) {
  const int64_t all = BlocksForTokens(num_tokens);
  if (spec.kind != CacheKind::kWindow) return all;
  // window - 1 tokens behind the chunk and the chunk itself, which may begin anywhere in a block.
  return std::min(all, BlocksForTokens(spec.window - 1 + chunk) + 1);
}

}  // namespace engine
