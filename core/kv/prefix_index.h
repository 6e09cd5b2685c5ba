// Which prefixes have their K and V in full blocks: a tree with one node per block of tokens, whose path from the root
// spells the prefix. Children are found by hash and proven by comparing tokens, so a node stands for exactly one prefix
// of one salt. A node knows the block that holds it in each cache group, or kNullBlock.
//
// A node lives while it holds a block, has a child, or is pinned by a sequence that may extend it.
// Belongs to one thread. Storage of dead nodes is reused.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/status.h"
#include "core/kv/block_table.h"
#include "core/kv/cache_spec.h"

namespace engine {

using BlockTokens = std::span<const int32_t, kBlockTokens>;

// Any function of its arguments is correct; a bad one is slow.
using BlockHash = uint64_t (*)(int32_t parent, BlockTokens tokens);
uint64_t HashBlock(int32_t parent, BlockTokens tokens);

class PrefixIndex {
 public:
  static constexpr int32_t kNoNode = -1;

  explicit PrefixIndex(int num_groups, BlockHash hash = HashBlock) : num_groups_(num_groups), hash_(hash) {}

  // Up to `num_nodes` nodes will allocate nothing and be found at once. Before the first node.
  void Reserve(int64_t num_nodes);

  // The empty prefix of a salt: prefixes of different salts never meet. kNoNode if the salt is unknown.
  int32_t FindRoot(std::string_view salt) const;
  int32_t FindOrAddRoot(std::string_view salt);

  // The node that extends `parent` by one block of tokens. kNoNode if there is none.
  int32_t Find(int32_t parent, BlockTokens tokens) const;
  int32_t FindOrAdd(int32_t parent, BlockTokens tokens);

  int32_t parent(int32_t node) const { return nodes_[node].parent; }  // kNoNode for a root
  BlockTokens tokens(int32_t node) const { return nodes_[node].tokens; }
  int32_t block(int32_t node, int group) const { return blocks_[Slot(node, group)]; }
  int64_t num_attached() const;  // blocks held, in all groups
  int num_nodes() const { return static_cast<int>(nodes_.size() - unused_.size()); }

  void Attach(int32_t node, int group, int32_t block);
  void Detach(int32_t node, int group);  // may end the node's life
  void Pin(int32_t node) { ++nodes_[node].pins; }
  void Unpin(int32_t node);  // may end the node's life

  // A node that nothing keeps alive, or that Find does not reach.
  absl::Status CheckInvariants() const;

 private:
  struct Node {
    bool alive = false;
    int32_t parent = kNoNode;
    int32_t next_in_bucket = kNoNode;
    int children = 0, pins = 0, attached = 0;
    uint64_t hash = 0;
    std::array<int32_t, kBlockTokens> tokens = {};
    std::string salt;  // roots only
  };

  size_t Slot(int32_t node, int group) const { return static_cast<size_t>(node) * num_groups_ + group; }
  size_t BucketOf(uint64_t hash) const { return hash & (buckets_.size() - 1); }
  int32_t NewNode(int32_t parent);
  void RemoveIfDead(int32_t node);
  void Unlink(int32_t node);

  int num_groups_;
  BlockHash hash_;
  std::vector<Node> nodes_;
  std::vector<int32_t> blocks_;               // [node, group]
  std::vector<int32_t> unused_;               // dead nodes
  std::vector<int32_t> buckets_ = {kNoNode};  // the first node of each; as many as a power of two
  std::unordered_map<std::string, int32_t> roots_;
};

}  // namespace engine
