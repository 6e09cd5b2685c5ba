#include "backends/cpu/work_grid.h"

#include <algorithm>

#include "backends/cpu/panel_tile.h"
#include "core/base/round_up.h"

namespace engine::cpu {
namespace {

// Tiles of a block of rows, whose workers read all weights of the node: at least so many that this takes a fraction of the
// time in which they compute.
constexpr int64_t kLeastTiles = 4;

// What a worker takes at a time. Many rows: weights that it reads again for the next tile; they and the tile share a
// core's L2, 1 MiB where it is small. Few rows: about 1 us at the memory's speed, the most that one waits for another.
constexpr int64_t kBlockBytes = 256 * 1024;
constexpr int64_t kChunkBytes = 16 * 1024;
// Of a worker's share, so that what one waits for another is little of it.
constexpr int64_t kLeastChunks = 8;

// Part `index` of `count` about equal ones.
Range ShareOf(int64_t size, int64_t index, int64_t count) { return {size * index / count, size * (index + 1) / count}; }

}  // namespace

WorkGrid::WorkGrid(const WorkSize& size, int workers, int memory_nodes)
    : size_(size), workers_(workers), per_node_(workers), row_blocks_(1) {
  if (workers % memory_nodes == 0) {
    per_node_ = workers / memory_nodes;
    row_blocks_ = std::clamp<int64_t>(DivideUp(size.rows, kMaxTileTokens) / kLeastTiles, 1, per_node_);
    while (per_node_ % row_blocks_ != 0) --row_blocks_;
  }
  const int64_t share = DivideUp(size.units * row_blocks_, workers_);
  const int64_t bytes = size.rows > kMaxTileTokens ? kBlockBytes : kChunkBytes;
  chunks_ = std::min(std::max(kLeastChunks, DivideUp(share * size.unit_bytes, bytes)), share);
}

WorkGrid::Part WorkGrid::PartAt(int64_t index) const {
  const int64_t worker = index / chunks_;
  const int64_t node = worker / per_node_, within = worker % per_node_;
  const int64_t group = per_node_ / row_blocks_;
  const int64_t shares = workers_ / row_blocks_;  // of the weights
  const int64_t share = node * group + within % group;
  const Range tiles = ShareOf(DivideUp(size_.rows, kMaxTileTokens), within / group, row_blocks_);
  return {.units = ShareOf(size_.units, share * chunks_ + index % chunks_, shares * chunks_),
          .rows = {tiles.begin * kMaxTileTokens, std::min(tiles.end * kMaxTileTokens, size_.rows)}};
}

}  // namespace engine::cpu
