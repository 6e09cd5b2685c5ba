#include "backends/cpu/attention_work.h"

#include <algorithm>
#include <cstring>

namespace engine::cpu {

int64_t AttentionWork::tiles_per_head(int64_t sequence) const {
  return (input(4)[sequence] * group() + kAttentionTileRows - 1) / kAttentionTileRows;
}

int64_t AttentionWork::num_tiles() const {
  int64_t tiles = 0;
  for (int64_t s = 0; s < args_.extents.sequences; ++s) tiles += tiles_per_head(s) * op_.kv_heads;
  return tiles;
}

TileId AttentionWork::Cursor::At(int64_t index) {
  if (index < first_) sequence_ = first_ = 0;
  int64_t per_head = work_.tiles_per_head(sequence_);
  while (index >= first_ + per_head * work_.op_.kv_heads) {
    first_ += per_head * work_.op_.kv_heads;
    per_head = work_.tiles_per_head(++sequence_);
  }
  const int64_t local = index - first_;
  return {sequence_, local / per_head, per_head - 1 - local % per_head};
}

AttentionTile AttentionWork::Tile(const TileId& id, std::byte* queries, AttentionOut& out) const {
  const Tensor& cache = args_.in[1];
  const DType dtype = cache.spec->dtype;
  const int64_t head_elements = KvHeadOffset(dtype, 0, id.kv_head, op_.kv_heads, op_.head_dim);
  const int64_t first_row = id.tile * kAttentionTileRows;
  const int64_t rows = std::min<int64_t>(kAttentionTileRows, input(4)[id.sequence] * group() - first_row);
  AttentionTile tile{.dtype = dtype,
                     .rows = static_cast<int>(rows),
                     .head_dim = op_.head_dim,
                     .scale = op_.scale,
                     .queries = queries,
                     .cache = cache.data + RowBytes(dtype, head_elements),
                     .values_offset = RowBytes(dtype, KvValuesOffset(dtype, op_.head_dim)),
                     .block_bytes = RowBytes(dtype, KvPartElements(dtype, op_.head_dim)),
                     .span_bytes = kSpanBlocks * cache.spec->row_bytes(),
                     .blocks = input(2) + id.sequence * args_.in[2].spec->shape.row_elements()};
  const TensorSpec& spec = *args_.out[0].spec;
  out.dtype = spec.dtype;
  out.row_values = spec.shape.row_elements();
  const int32_t first_position = input(5)[id.sequence] - input(4)[id.sequence];
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t token = (first_row + r) / group();
    const int64_t head = id.kv_head * group() + (first_row + r) % group();
    const int64_t row = input(3)[id.sequence] + token;
    TakeQuery(row * op_.heads + head, r, queries, tile);
    out.rows[r] = args_.out[0].data + row * spec.row_bytes();
    out.columns[r] = head * op_.head_dim;
    const int32_t position = first_position + static_cast<int32_t>(token);
    tile.visible_begin[r] = op_.window > 0 ? std::max(0, position - op_.window + 1) : 0;
    tile.visible_end[r] = position + 1;
  }
  return tile;
}

void AttentionWork::TakeQuery(int64_t source, int64_t row, std::byte* queries, AttentionTile& tile) const {
  const Tensor& in = args_.in[0];
  const int64_t bytes = RowBytes(in.spec->dtype, op_.head_dim);
  const std::byte* query = in.data + source * bytes;
  if (tile.dtype != DType::kI8) {
    std::memcpy(queries + row * bytes, query, bytes);
    return;
  }
  auto* integers = reinterpret_cast<int8_t*>(queries) + row * QueryStride(op_.head_dim);
  const Int8Head head = rows_.int8_head(reinterpret_cast<const float*>(query), op_.head_dim, integers);
  tile.query_scale[row] = head.scale * op_.scale;
  tile.query_sum[row] = head.sum;
}

PartitionRange PartitionsOf(const AttentionTile& tile) {
  return {tile.visible_begin[0] / kAttentionPartition,
          (tile.visible_end[tile.rows - 1] + kAttentionPartition - 1) / kAttentionPartition};
}

}  // namespace engine::cpu
