// Which requests may enter: those that can ever run, when the cache has room for them.
#pragma once

#include <cstdint>

#include "core/base/status.h"
#include "core/kv/cache_blocks.h"
#include "core/runtime/scheduler_config.h"
#include "core/runtime/sequence.h"

namespace engine {

// The most tokens a request may ever have.
int64_t Capacity(const Request& request, const SchedulerConfig& config);

// Refuses a request that could not run even alone, with the numbers.
absl::Status CheckCanRunAlone(const Request& request, const SchedulerConfig& config, const CacheBlocks& blocks);

// Whether every group has the blocks for all tokens that `sequence` has now. Later tokens take blocks as they come, from
// a preempted sequence if need be. A prompt that is being read needs no reserve: it has the rest of every step's budget,
// so nobody enters behind it before its last chunk is in a step.
bool HasRoomNow(const Sequence& sequence, const PrefixMatch& match, const SchedulerConfig& config,
                const CacheBlocks& blocks);

}  // namespace engine
