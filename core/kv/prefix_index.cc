#include "core/kv/prefix_index.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace engine {

uint64_t HashBlock(int32_t parent, BlockTokens tokens) {
  // Each step is one multiplication by 2^64 / golden ratio (odd, so it loses nothing) and one fold of the high half.
  constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15u;
  uint64_t hash = static_cast<uint32_t>(parent);
  for (const int32_t token : tokens) {
    hash = (hash ^ static_cast<uint32_t>(token)) * kMultiplier;
    hash ^= hash >> 32;
  }
  return hash;
}

void PrefixIndex::Reserve(int64_t num_nodes) {
  ENGINE_CHECK(nodes_.empty());
  nodes_.reserve(num_nodes);
  blocks_.reserve(num_nodes * num_groups_);
  unused_.reserve(num_nodes);
  buckets_.assign(std::bit_ceil(static_cast<uint64_t>(num_nodes)), kNoNode);
}

int32_t PrefixIndex::FindRoot(std::string_view salt) const {
  const auto root = roots_.find(std::string(salt));
  return root == roots_.end() ? kNoNode : root->second;
}

int32_t PrefixIndex::FindOrAddRoot(std::string_view salt) {
  if (const int32_t known = FindRoot(salt); known != kNoNode) return known;
  const int32_t root = NewNode(kNoNode);
  nodes_[root].salt = salt;
  roots_.emplace(salt, root);
  return root;
}

int32_t PrefixIndex::Find(int32_t parent, BlockTokens tokens) const {
  int32_t node = buckets_[BucketOf(hash_(parent, tokens))];
  while (node != kNoNode && !(nodes_[node].parent == parent && std::ranges::equal(nodes_[node].tokens, tokens))) {
    node = nodes_[node].next_in_bucket;
  }
  return node;
}

int32_t PrefixIndex::FindOrAdd(int32_t parent, BlockTokens tokens) {
  if (const int32_t known = Find(parent, tokens); known != kNoNode) return known;
  const int32_t id = NewNode(parent);
  Node& node = nodes_[id];
  std::ranges::copy(tokens, node.tokens.begin());
  node.hash = hash_(parent, tokens);
  node.next_in_bucket = std::exchange(buckets_[BucketOf(node.hash)], id);
  ++nodes_[parent].children;
  return id;
}

void PrefixIndex::Attach(int32_t node, int group, int32_t block) {
  ENGINE_CHECK(blocks_[Slot(node, group)] == kNullBlock && block != kNullBlock);
  blocks_[Slot(node, group)] = block;
  ++nodes_[node].attached;
}

void PrefixIndex::Detach(int32_t node, int group) {
  ENGINE_CHECK(blocks_[Slot(node, group)] != kNullBlock);
  blocks_[Slot(node, group)] = kNullBlock;
  --nodes_[node].attached;
  RemoveIfDead(node);
}

void PrefixIndex::Unpin(int32_t node) {
  ENGINE_CHECK(nodes_[node].pins > 0);
  --nodes_[node].pins;
  RemoveIfDead(node);
}

int32_t PrefixIndex::NewNode(int32_t parent) {
  if (unused_.empty()) {
    unused_.push_back(static_cast<int32_t>(nodes_.size()));
    nodes_.emplace_back();
    blocks_.resize(blocks_.size() + num_groups_, kNullBlock);
  }
  const int32_t node = unused_.back();
  unused_.pop_back();
  nodes_[node] = Node{.alive = true, .parent = parent};
  return node;
}

// A dead node may have been its parent's last reason to live.
void PrefixIndex::RemoveIfDead(int32_t node) {
  while (node != kNoNode) {
    const Node& dead = nodes_[node];
    if (dead.children > 0 || dead.pins > 0 || dead.attached > 0) return;
    const int32_t parent = dead.parent;
    Unlink(node);
    nodes_[node].alive = false;
    unused_.push_back(node);
    node = parent;
  }
}

void PrefixIndex::Unlink(int32_t id) {
  const Node& node = nodes_[id];
  if (node.parent == kNoNode) {
    roots_.erase(node.salt);
    return;
  }
  --nodes_[node.parent].children;
  int32_t* link = &buckets_[BucketOf(node.hash)];
  while (*link != id) link = &nodes_[*link].next_in_bucket;
  *link = node.next_in_bucket;
}

int64_t PrefixIndex::num_attached() const {
  return std::ranges::count_if(blocks_, [](int32_t block) { return block != kNullBlock; });
}

absl::Status PrefixIndex::CheckInvariants() const {
  for (int32_t id = 0; id < static_cast<int32_t>(nodes_.size()); ++id) {
    const Node& node = nodes_[id];
    if (!node.alive) continue;
    if (node.children == 0 && node.pins == 0 && node.attached == 0) {
      return FailedPrecondition("prefix node %d lives without a block, a child or a pin", id);
    }
    const int32_t found = node.parent == kNoNode ? FindRoot(node.salt) : Find(node.parent, node.tokens);
    if (found != id) return FailedPrecondition("prefix node %d is not found by its tokens: got node %d", id, found);
  }
  return absl::OkStatus();
}

}  // namespace engine
