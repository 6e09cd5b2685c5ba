#include "core/runtime/admission.h"

#include <algorithm>

#include "core/base/field_error.h"

namespace engine {
int64_t Capacity(const Request& request, const SchedulerConfig& config) {
  const int64_t wanted = static_cast<int64_t>(request.prompt.size()) + request.params.max_tokens;
  return std::min<int64_t>(wanted, config.max_model_len);
}

absl::Status CheckCanRunAlone(const Request& request, const SchedulerConfig& config, const CacheBlocks& blocks) {
  const auto prompt_tokens = static_cast<int64_t>(request.prompt.size());
  const auto refused = [](std::string_view why) { return About("prompt_tokens", InvalidArgument("%s", why)); };
  if (prompt_tokens == 0) return refused("the prompt has no tokens; give at least one");
  if (prompt_tokens >= config.max_model_len) {
    return refused(
        absl::StrFormat("the prompt has %d tokens; the context of %d tokens must hold it and at least one new "
                        "token: shorten the prompt",
                        prompt_tokens, config.max_model_len));
  }
  // The last token is never computed: nothing follows it.
  const int64_t computed_tokens = Capacity(request, config) - 1;
  for (int g = 0; g < blocks.num_groups(); ++g) {
    const int64_t peak = PeakBlocks(blocks.group(g).spec(), computed_tokens, config.max_num_batched_tokens);
    if (peak > blocks.group(g).num_blocks()) {
      return refused(absl::StrFormat(
          "%d prompt tokens and up to %d new ones need %d blocks of %d tokens in cache group %d (%s), which has %d: "
          "shorten the prompt, ask for fewer new tokens, or give the cache more memory",
          prompt_tokens, computed_tokens + 1 - prompt_tokens, peak, kBlockTokens, g, blocks.group(g).spec().ToString(),
          blocks.group(g).num_blocks()));
    }
  }
  return absl::OkStatus();
}

bool HasRoomNow(const Sequence& sequence, const PrefixMatch& match, const SchedulerConfig& config,
                const CacheBlocks& blocks) {
  for (int g = 0; g < blocks.num_groups(); ++g) {
    const CacheSpec& spec = blocks.group(g).spec();
    const int64_t taken = PeakBlocks(spec, sequence.known(), config.max_num_batched_tokens) -
                          BlocksBehind(spec, match.num_blocks) + blocks.UnownedBlocks(match, g);
    if (taken > blocks.group(g).num_available()) return false;
  }
  return true;
}

}  // namespace engine
