// The blocks of all cache groups of one model, and the prefixes they hold. A sequence has room in every group or in
// none, and a prefix is shared as far as it is valid in every group: a paged group needs all of its blocks, a window
// group the last ones only.
//
// Belongs to the engine thread. What a SequenceBlocks holds must be released here before it is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/kv/block_manager.h"
#include "core/kv/block_table.h"
#include "core/kv/cache_spec.h"
#include "core/kv/prefix_index.h"

namespace engine {

// What one sequence holds.
struct SequenceBlocks {
  std::vector<BlockTable> tables;         // one per cache group, of equal length
  int32_t prefix = PrefixIndex::kNoNode;  // the node of its last full block that the index knows; pinned
  int64_t num_indexed = 0;                // blocks from the start up to that one

  // Tokens for which there is room.
  int64_t room() const { return tables.empty() ? 0 : static_cast<int64_t>(tables[0].size()) * kBlockTokens; }
};

struct PrefixMatch {
  int32_t node = PrefixIndex::kNoNode;  // valid until blocks are next taken or released
  int64_t num_blocks = 0;

  int64_t num_tokens() const { return num_blocks * kBlockTokens; }
};

class CacheBlocks {
 public:
  // num_blocks: the pool of each group. Without `index_prefixes` nothing is shared and nothing stays cached, without
  // `back` all blocks have memory.
  static absl::StatusOr<std::unique_ptr<CacheBlocks>> Create(std::span<const CacheGroup> groups,
                                                             std::span<const int> num_blocks, bool index_prefixes,
                                                             const BackBlocks& back = nullptr);

  CacheBlocks(const CacheBlocks&) = delete;
  CacheBlocks& operator=(const CacheBlocks&) = delete;

  int num_groups() const { return static_cast<int>(managers_.size()); }
  const BlockManager& group(int group) const { return managers_[group]; }

  // The longest cached prefix of `tokens`, shorter than `tokens` because the last token is always computed.
  PrefixMatch Match(std::span<const int32_t> tokens, std::string_view salt) const;

  // Blocks of a match in a group that are not owned yet: sharing them makes that many fewer available.
  int64_t UnownedBlocks(const PrefixMatch& match, int group) const;

  // Starts an empty `blocks` with a matched prefix, which may be of no tokens.
  void Start(const PrefixMatch& match, std::string_view salt, SequenceBlocks& blocks);

  // Makes room for `num_tokens` in every group; false, with nothing taken, if one of them lacks the blocks.
  bool Grow(SequenceBlocks& blocks, int64_t num_tokens);

  // The sequence's first `computed` tokens are stored: full blocks enter the index, and blocks that no token from
  // `computed` on sees are given back.
  void Advance(SequenceBlocks& blocks, std::span<const int32_t> tokens, int64_t computed);

  void Release(SequenceBlocks& blocks);

  // Blocks for which there was no memory may get some.
  void ForgetShortage();

  struct Holding {
    const SequenceBlocks* blocks;
    std::span<const int32_t> tokens;
  };
  // `holdings` are all SequenceBlocks in use, with the tokens they stand for.
  absl::Status CheckInvariants(std::span<const Holding> holdings) const;

 private:
  CacheBlocks(std::span<const CacheGroup> groups, std::span<const int> num_blocks, bool index_prefixes,
              const BackBlocks& back);

  void IndexNextBlock(SequenceBlocks& blocks, std::span<const int32_t> tokens);
  absl::Status CheckPrefix(const Holding& holding) const;

  bool index_prefixes_;
  PrefixIndex index_;
  std::vector<BlockManager> managers_;
};

}  // namespace engine
