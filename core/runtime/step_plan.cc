#include "core/runtime/step_plan.h"

#include <algorithm>

namespace engine {
namespace {

// Rows of the prompt's own tokens: the token at p predicts the one at p + 1.
void AppendPromptRows(const Sequence& sequence, const ScheduledSequence& part, StepPlan& plan) {
  const int64_t first = std::max(part.first_position + 1, sequence.prompt_scored);
  const int64_t end = std::min(part.first_position + part.num_tokens + 1, sequence.prompt_tokens);
  for (int64_t position = first; position < end; ++position) {
    plan.rows.push_back({.input = static_cast<int32_t>(part.first_input + position - 1 - part.first_position),
                         .sequence = static_cast<int32_t>(plan.sequences.size()),
                         .position = position,
                         .scored = sequence.tokens[position]});
  }
}

// The next token, and one more behind each drafted one: it counts if the draft was right so far.
void AppendSampleRows(const Sequence& sequence, const ScheduledSequence& part, StepPlan& plan) {
  const int first_input = part.first_input + part.num_tokens - 1 - part.num_drafted;
  const int64_t first_position = part.first_position + part.num_tokens - part.num_drafted;
  for (int i = 0; i <= part.num_drafted; ++i) {
    const int64_t position = first_position + i;
    plan.rows.push_back({.input = first_input + i,
                         .sequence = static_cast<int32_t>(plan.sequences.size()),
                         .position = position,
                         .mask_stops = position - sequence.prompt_tokens < sequence.params.min_tokens});
  }
}

}  // namespace

void StepPlan::Clear() {
  sequences.clear();
  tokens.clear();
  rows.clear();
  extents = {};
}

void StepPlan::Append(const Sequence& sequence, int num_tokens, int num_drafted) {
  ScheduledSequence part = {.sequence = &sequence,
                            .id = sequence.id,
                            .first_position = sequence.scheduled,
                            .num_tokens = num_tokens,
                            .first_input = static_cast<int>(tokens.size()),
                            .first_row = static_cast<int>(rows.size()),
                            .num_drafted = num_drafted};
  const int64_t end = part.first_position + num_tokens;
  for (int64_t position = part.first_position; position < end; ++position) {
    if (position < sequence.known()) {
      tokens.push_back({.id = sequence.tokens[position]});
    } else if (num_drafted > 0) {
      tokens.push_back({.id = sequence.draft.tokens[position - sequence.known()]});
    } else {
      tokens.push_back({.row = sequence.last_sampled_row});
    }
  }
  AppendPromptRows(sequence, part, *this);
  part.samples_next = end - num_drafted == sequence.known() + sequence.samples_in_flight;
  if (part.samples_next) AppendSampleRows(sequence, part, *this);
  part.num_rows = static_cast<int>(rows.size()) - part.first_row;
  sequences.push_back(part);

  extents.tokens += num_tokens;
  extents.sequences += 1;
  extents.sampled += part.num_rows;
  extents.decode_sequences += num_tokens == 1;
  extents.max_query = std::max(extents.max_query, num_tokens);
  extents.max_context = std::max(extents.max_context, static_cast<int>(end));
}

}  // namespace engine
