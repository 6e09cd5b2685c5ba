#include "core/runtime/admission.h"

#include <algorithm>

namespace engine {
namespace {

// Blocks that computing the tokens a running sequence has will take, beyond those it holds.
int64_t OutstandingBlocks(const Sequence& sequence, int group, const SchedulerConfig& config,
                          const CacheBlocks& blocks) {
  const BlockTable& table = sequence.blocks.tables[group];
  // The holes of a table precede its blocks.
  const auto first_held = std::ranges::partition_point(table, [](int32_t block) { return block == kNullBlock; });
  const int64_t peak = PeakBlocks(blocks.group(group).spec(), sequence.known(), int64_t{config.max_num_batched_tokens});
  return std::max<int64_t>(0, peak - (table.end() - first_held));
}

}  // namespace

int64_t Capacity(const Request& request, const SchedulerConfig& config) {
  const int64_t wanted = static_cast<int64_t>(request.prompt.size()) + request.params.max_tokens;
  return std::min<int64_t>(wanted, config.max_model_len);
}

absl::Status CheckCanRunAlone(const Request& request, const SchedulerConfig& config, const CacheBlocks& blocks) {
  const auto prompt_tokens = static_cast<int64_t>(request.prompt.size());
  if (prompt_tokens == 0) return InvalidArgument("request %d: the prompt has no tokens; give at least one", request.id);
  if (prompt_tokens >= config.max_model_len) {
    return InvalidArgument(
        "request %d: the prompt has %d tokens; the context of %d tokens must hold it and at least one new token: "
        "shorten the prompt",
        request.id, prompt_tokens, config.max_model_len);
  }
  // The last token is never computed: nothing follows it.
  const int64_t computed_tokens = Capacity(request, config) - 1;
  for (int g = 0; g < blocks.num_groups(); ++g) {
    const int64_t peak = PeakBlocks(blocks.group(g).spec(), computed_tokens, config.max_num_batched_tokens);
    if (peak > blocks.group(g).num_blocks()) {
      return ResourceExhausted(
          "request %d: %d prompt tokens and up to %d new ones need %d blocks of %d tokens in cache group %d (%s), "
          "which "
          "has %d: shorten the prompt, lower max_tokens, or give the cache more memory",
          request.id, prompt_tokens, computed_tokens + 1 - prompt_tokens, peak, kBlockTokens, g,
          blocks.group(g).spec().ToString(), blocks.group(g).num_blocks());
    }
  }
  return absl::OkStatus();
}

bool HasRoomNow(const Sequence& sequence, const PrefixMatch& match, std::span<Sequence* const> running,
                const SchedulerConfig& config, const CacheBlocks& blocks) {
  for (int g = 0; g < blocks.num_groups(); ++g) {
    const CacheSpec& spec = blocks.group(g).spec();
    int64_t needed = PeakBlocks(spec, sequence.known(), config.max_num_batched_tokens) -
                     BlocksBehind(spec, match.num_blocks) + blocks.UnownedBlocks(match, g);
    for (const Sequence* other : running) needed += OutstandingBlocks(*other, g, config, blocks);
    if (needed > blocks.group(g).num_available()) return false;
  }
  return true;
}

}  // namespace engine
