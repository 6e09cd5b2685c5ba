// One step as plain values: which tokens of which sequences are computed, and which rows of logits are wanted.
//
// A plan points at sequences of its scheduler. Their tokens and block tables are those of this step until the
// scheduler is next called: fill the step's buffers before that. The scheduler takes plans back at Commit and reuses
// their storage, so that a warm step loop allocates nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/device/step_extents.h"
#include "core/runtime/sequence.h"

namespace engine {

// An input token: an id, or the sample at a row of the step submitted just before, which the host has not read yet.
struct TokenInput {
  static constexpr int32_t kKnown = -1;

  int32_t id = 0;        // if row is kKnown
  int32_t row = kKnown;  // index into the previous plan's rows
};

// A row of logits: the distribution of the token at `position`.
struct LogitsRow {
  static constexpr int32_t kSample = -1;

  int32_t input = 0;         // index into StepPlan::tokens: the token before
  int32_t sequence = 0;      // index into StepPlan::sequences
  int64_t position = 0;      // third key of the sampler, after seed and choice; as many tokens come before
  int32_t scored = kSample;  // kSample: draw the token; otherwise a token of the prompt whose log-prob is wanted
  bool mask_stops = false;   // the sequence's stop_ids may not be drawn: min_tokens are not reached
};

struct ScheduledSequence {
  const Sequence* sequence = nullptr;
  int64_t id = 0;
  int64_t first_position = 0;
  int num_tokens = 0;
  int first_input = 0;  // its inputs: first_input … first_input + num_tokens - 1 of StepPlan::tokens
  int first_row = 0;
  int num_rows = 0;           // prompt rows by position, then the sample, if any, then one for each drafted token
  bool samples_next = false;  // it samples the sequence's next token
  int num_drafted = 0;        // its last inputs are guesses at that token and those after it
};

struct StepPlan {
  int64_t number = 0;                        // counts the scheduler's plans
  std::vector<ScheduledSequence> sequences;  // those of one token first: extents.decode_sequences of them
  std::vector<TokenInput> tokens;
  std::vector<LogitsRow> rows;
  StepExtents extents;

  void Clear();

  // Adds the next `num_tokens` tokens of a sequence, from `sequence.scheduled` on; the last `num_drafted` of them are its
  // draft's, all behind its known ones.
  void Append(const Sequence& sequence, int num_tokens, int num_drafted);
};

struct RowResult {
  int32_t token = 0;  // the drawn token, or the scored one
  float logprob = 0;  // if asked for
  bool valid = true;  // false: its logits were not finite, and the request fails
};

// One entry per row of the plan. What else a step computed, such as the most likely tokens, is found by the same row.
struct StepResult {
  std::span<const RowResult> rows;
};

}  // namespace engine
