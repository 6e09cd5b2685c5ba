// How the rows and the weights of a product are shared out among workers.
#pragma once

#include <cstdint>

namespace engine::cpu {

struct Range {
  int64_t begin;
  int64_t end;
};

// A product of `rows` rows of activations and `units` of weights, of unit_bytes each.
struct WorkSize {
  int64_t rows;
  int64_t units;
  int64_t unit_bytes;
};

// Every worker has equally many parts, its own ones in Worker::ForEach over num_parts(). The workers of a memory node have
// the node's share of the weights. They stand in groups, neighbours together: a group has a block of rows, and in it each
// worker a share of the node's weights, in chunks. On one node, the block holds the rows that its workers have in loops over
// rows, so that what one op leaves in a core's cache is there for the next; of several, each computes all rows.
class WorkGrid {
 public:
  // memory_nodes: DeviceInfo::memory_nodes.
  WorkGrid(const WorkSize& size, int workers, int memory_nodes);

  struct Part {
    Range units;
    Range rows;
  };

  int64_t num_parts() const { return workers_ * chunks_; }
  Part PartAt(int64_t index) const;

 private:
  WorkSize size_;
  int64_t workers_;
  int64_t per_node_;    // workers
  int64_t row_blocks_;  // of a node; divides per_node_
  int64_t chunks_;      // of a worker
};

}  // namespace engine::cpu
