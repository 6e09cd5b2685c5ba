// Ids 0 … n-1 in order of use: a doubly linked list in one array, so that moving an id costs O(1) and no allocation.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

class LruList {
 public:
  // The extra node is the list's head: its next is the oldest id, its previous the newest.
  explicit LruList(int num_ids) : nodes_(static_cast<size_t>(num_ids) + 1), head_(num_ids) {
    nodes_[head_] = {head_, head_};
  }

  int size() const { return size_; }
  int32_t oldest() const { return nodes_[head_].next; }  // the list must not be empty

  // `id` must not be in the list.
  void PushNewest(int32_t id) {
    const int32_t newest = nodes_[head_].previous;
    nodes_[id] = {newest, head_};
    nodes_[newest].next = id;
    nodes_[head_].previous = id;
    ++size_;
  }

  // `id` must be in the list.
  void Remove(int32_t id) {
    const Node node = nodes_[id];
    nodes_[node.previous].next = node.next;
    nodes_[node.next].previous = node.previous;
    --size_;
  }

 private:
  struct Node {
    int32_t previous = 0;
    int32_t next = 0;
  };
  std::vector<Node> nodes_;
  int32_t head_;
  int size_ = 0;
};

}  // namespace engine
