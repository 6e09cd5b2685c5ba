// One request's tokens, how far they are computed, and what it holds in the cache. Owned and changed by the scheduler;
// everyone else reads.
//
//   tokens    [ prompt ............ | generated ...... ]
//             0        computed          known()         capacity
//             '-- K and V stored --'
//
// computed <= known() <= capacity. Positions in submitted steps reach to `scheduled`; it may be one or two past known()
// when a step's input is a sample of the step before that the host has not read yet, and by a draft's length while the
// draft is verified; what of a draft is wrong was not computed.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/clock.h"
#include "core/kv/cache_blocks.h"
#include "core/runtime/draft.h"
#include "core/runtime/sampling_params.h"

namespace engine {

enum class SequenceStatus : uint8_t { kWaiting, kRunning, kFinished };
enum class FinishReason : uint8_t { kNone, kStop, kLength, kAbort, kError };

// What a caller asks for. Token ids must be the model's, and params valid for its vocabulary.
struct Request {
  int64_t id = 0;  // not in use by another request of this scheduler
  std::vector<int32_t> prompt;
  SamplingParams params;
  uint64_t seed = 0;         // params.seed, or one that the caller drew
  int choice = 0;            // which of the request's `n` answers: the sampler's second key
  int priority = 0;          // lower runs first, of what runs and of what its tenant has waiting
  std::string tenant;        // who asks: tenants are served equally (fair_queue.h)
  std::string cache_salt;    // prefixes are shared only with requests of the same salt
  bool constrained = false;  // a grammar masks its logits, so each token must be known before the next step is filled
  int max_draft = 0;         // most drafted tokens that one step verifies
  bool reads_hidden_states = false;  // its events say so
  bool computes_prompt = false;      // every state of its prompt is read: none of it is taken from the cache
};

struct Tenant;

struct Sequence {
  static constexpr int64_t kNoTurn = std::numeric_limits<int64_t>::max();

  int64_t id = 0;
  SamplingParams params;
  uint64_t seed = 0;
  int choice = 0;
  int priority = 0;
  Tenant* tenant = nullptr;
  int64_t arrival = 0;     // counts requests
  int64_t turn = kNoTurn;  // counts those that have entered; it keeps its own when it loses its blocks
  std::string cache_salt;
  bool constrained = false;        // by a grammar, which masks the rows it samples
  bool waits_for_samples = false;  // no row may be submitted before the token before it is known
  std::vector<int32_t> stop_ids;   // end the sequence once min_tokens are generated; masked before
  int max_draft = 0;
  bool reads_hidden_states = false;
  bool computes_prompt = false;

  SequenceStatus status = SequenceStatus::kWaiting;
  FinishReason reason = FinishReason::kNone;
  std::vector<int32_t> tokens;  // prompt and output
  int64_t prompt_tokens = 0;
  int64_t capacity = 0;  // the most tokens it may ever have
  int64_t computed = 0;  // tokens whose K and V are stored by committed steps
  SequenceBlocks blocks;

  int64_t scheduled = 0;       // like computed, with the submitted steps
  int steps_in_flight = 0;     // submitted steps that name this sequence
  int samples_in_flight = 0;   // those of them that sample its next token
  int last_sampled_row = 0;    // row of its newest sample, in the newest step that sampled it
  int64_t prompt_scored = 0;   // prompt tokens below it have their log-prob delivered, or need none
  int64_t cached_tokens = -1;  // prompt tokens found in the cache when first admitted; -1 before
  TimePoint admitted;          // when that was

  Draft draft;  // of what follows tokens; empty once more tokens are known
  DraftRecord draft_record;
  int64_t drafted_tokens = 0;   // verified by committed steps
  int64_t accepted_tokens = 0;  // of those, right

  int64_t known() const { return static_cast<int64_t>(tokens.size()); }
  int64_t generated() const { return known() - prompt_tokens; }
  bool scores_prompt() const { return prompt_scored < prompt_tokens; }
  // A cached token has no logits and no state.
  bool takes_cached() const { return !computes_prompt && !scores_prompt(); }
};

// Who runs first: lower priority, then who entered first.
struct RunsBefore {
  bool operator()(const Sequence* a, const Sequence* b) const {
    return std::tie(a->priority, a->turn) < std::tie(b->priority, b->turn);
  }
};

// Of one tenant's, none of which has run.
struct EntersBefore {
  bool operator()(const Sequence* a, const Sequence* b) const {
    return std::tie(a->priority, a->arrival) < std::tie(b->priority, b->arrival);
  }
};

}  // namespace engine
