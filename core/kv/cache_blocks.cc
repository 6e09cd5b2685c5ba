#include "core/kv/cache_blocks.h"

#include <algorithm>
#include <numeric>

namespace engine {
namespace {

BlockTokens TokensOfBlock(std::span<const int32_t> tokens, int64_t block) {
  return tokens.subspan(block * kBlockTokens).first<kBlockTokens>();
}

}  // namespace

absl::StatusOr<std::unique_ptr<CacheBlocks>> CacheBlocks::Create(std::span<const CacheGroup> groups,
                                                                 std::span<const int> num_blocks, bool index_prefixes,
                                                                 const BackBlocks& back) {
  if (groups.size() != num_blocks.size()) {
    return InvalidArgument("%d cache groups but %d pool sizes; give one per group", groups.size(), num_blocks.size());
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    const CacheSpec& spec = groups[g].spec;
    if (spec.kind != CacheKind::kPaged && spec.kind != CacheKind::kWindow) {
      return Unimplemented("cache group %d (%s) does not consist of blocks; only paged and window caches do", g,
                           spec.ToString());
    }
    if (num_blocks[g] < 1) {
      return InvalidArgument("cache group %d (%s) has %d blocks; it needs at least 1: give the cache more memory", g,
                             spec.ToString(), num_blocks[g]);
    }
  }
  return std::unique_ptr<CacheBlocks>(new CacheBlocks(groups, num_blocks, index_prefixes, back));
}

CacheBlocks::CacheBlocks(std::span<const CacheGroup> groups, std::span<const int> num_blocks, bool index_prefixes,
                         const BackBlocks& back)
    : index_prefixes_(index_prefixes), index_(static_cast<int>(groups.size())) {
  managers_.reserve(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    managers_.emplace_back(groups[g].spec, num_blocks[g], static_cast<int>(g), index_, back);
  }
  // A node per block and as many again for roots and for prefixes whose blocks a window left behind.
  if (index_prefixes) index_.Reserve(2 * std::accumulate(num_blocks.begin(), num_blocks.end(), int64_t{0}));
}

PrefixMatch CacheBlocks::Match(std::span<const int32_t> tokens, std::string_view salt) const {
  PrefixMatch longest;
  if (!index_prefixes_ || tokens.empty()) return longest;
  std::vector<int64_t> run(managers_.size(), 0);  // blocks held without a gap, up to the current one
  int32_t node = index_.FindRoot(salt);
  const int64_t most_blocks = (static_cast<int64_t>(tokens.size()) - 1) / kBlockTokens;
  for (int64_t length = 1; length <= most_blocks && node != PrefixIndex::kNoNode; ++length) {
    node = index_.Find(node, TokensOfBlock(tokens, length - 1));
    if (node == PrefixIndex::kNoNode) break;
    bool valid = true;
    for (int g = 0; g < num_groups(); ++g) {
      run[g] = index_.block(node, g) == kNullBlock ? 0 : run[g] + 1;
      valid = valid && run[g] >= BlocksBehind(managers_[g].spec(), length);
    }
    // A gap in a window group may close again further on, so the walk goes on.
    if (valid) longest = {.node = node, .num_blocks = length};
  }
  return longest;
}

int64_t CacheBlocks::UnownedBlocks(const PrefixMatch& match, int group) const {
  int64_t unowned = 0;
  int32_t node = match.node;
  for (int64_t i = BlocksBehind(managers_[group].spec(), match.num_blocks); i > 0; --i, node = index_.parent(node)) {
    unowned += managers_[group].owners(index_.block(node, group)) == 0;
  }
  return unowned;
}

void CacheBlocks::Start(const PrefixMatch& match, std::string_view salt, SequenceBlocks& blocks) {
  blocks.tables.resize(managers_.size());
  for (int g = 0; g < num_groups(); ++g) {
    BlockTable& table = blocks.tables[g];
    table.assign(match.num_blocks, kNullBlock);
    const int64_t first = match.num_blocks - BlocksBehind(managers_[g].spec(), match.num_blocks);
    int32_t node = match.node;
    for (int64_t i = match.num_blocks - 1; i >= first; --i, node = index_.parent(node)) {
      managers_[g].Share(table, i, index_.block(node, g));
    }
  }
  if (!index_prefixes_) return;
  blocks.prefix = match.num_blocks > 0 ? match.node : index_.FindOrAddRoot(salt);
  blocks.num_indexed = match.num_blocks;
  index_.Pin(blocks.prefix);
}

bool CacheBlocks::Grow(SequenceBlocks& blocks, int64_t num_tokens) {
  for (int g = 0; g < num_groups(); ++g) {
    const int64_t missing = managers_[g].BlocksToGrow(blocks.tables[g], num_tokens);
    managers_[g].Back(missing);
    if (missing > managers_[g].num_available()) return false;
  }
  for (int g = 0; g < num_groups(); ++g) managers_[g].Grow(blocks.tables[g], num_tokens);
  return true;
}

void CacheBlocks::Advance(SequenceBlocks& blocks, std::span<const int32_t> tokens, int64_t computed) {
  if (index_prefixes_) {
    while ((blocks.num_indexed + 1) * kBlockTokens <= computed) IndexNextBlock(blocks, tokens);
  }
  for (int g = 0; g < num_groups(); ++g) managers_[g].ReleaseInvisible(blocks.tables[g], computed);
}

// Where another sequence's equal block is already named, this one's stays private and is free when released.
void CacheBlocks::IndexNextBlock(SequenceBlocks& blocks, std::span<const int32_t> tokens) {
  const int32_t node = index_.FindOrAdd(blocks.prefix, TokensOfBlock(tokens, blocks.num_indexed));
  for (int g = 0; g < num_groups(); ++g) {
    const int32_t block = blocks.tables[g][blocks.num_indexed];
    if (index_.block(node, g) == kNullBlock) managers_[g].Name(block, node);
  }
  index_.Pin(node);
  index_.Unpin(blocks.prefix);
  blocks.prefix = node;
  ++blocks.num_indexed;
}

void CacheBlocks::Release(SequenceBlocks& blocks) {
  for (size_t g = 0; g < blocks.tables.size(); ++g) managers_[g].Release(blocks.tables[g]);
  if (blocks.prefix != PrefixIndex::kNoNode) index_.Unpin(blocks.prefix);
  blocks.prefix = PrefixIndex::kNoNode;
  blocks.num_indexed = 0;
}

void CacheBlocks::ForgetShortage() {
  for (BlockManager& manager : managers_) manager.ForgetShortage();
}

absl::Status CacheBlocks::CheckInvariants(std::span<const Holding> holdings) const {
  RETURN_IF_ERROR(index_.CheckInvariants());
  int64_t num_named = 0;
  for (int g = 0; g < num_groups(); ++g) {
    std::vector<const BlockTable*> tables;
    for (const Holding& holding : holdings) {
      if (!holding.blocks->tables.empty()) tables.push_back(&holding.blocks->tables[g]);
    }
    RETURN_IF_ERROR(Annotate(managers_[g].CheckInvariants(tables), absl::StrFormat("cache group %d", g)));
    for (int32_t block = 0; block < managers_[g].num_blocks(); ++block) num_named += managers_[g].is_named(block);
  }
  if (num_named != index_.num_attached()) {
    return FailedPrecondition("%d blocks are named, but the prefix index holds %d", num_named, index_.num_attached());
  }
  for (const Holding& holding : holdings) RETURN_IF_ERROR(CheckPrefix(holding));
  return absl::OkStatus();
}

// The path to a sequence's node spells the sequence's tokens, and holds whatever blocks of it are named.
absl::Status CacheBlocks::CheckPrefix(const Holding& holding) const {
  const SequenceBlocks& blocks = *holding.blocks;
  for (const BlockTable& table : blocks.tables) {
    if (table.size() != blocks.tables[0].size()) {
      return FailedPrecondition("a sequence has tables of %d and %d blocks", blocks.tables[0].size(), table.size());
    }
  }
  int32_t node = blocks.prefix;
  for (int64_t i = blocks.num_indexed - 1; i >= 0; --i, node = index_.parent(node)) {
    if (!std::ranges::equal(index_.tokens(node), TokensOfBlock(holding.tokens, i))) {
      return FailedPrecondition("prefix node %d holds other tokens than block %d of its sequence", node, i);
    }
    for (int g = 0; g < num_groups(); ++g) {
      const int32_t block = blocks.tables[g][i];
      if (block != kNullBlock && managers_[g].is_named(block) && index_.block(node, g) != block) {
        return FailedPrecondition("block %d of group %d is named by another prefix than its owner's", block, g);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace engine
