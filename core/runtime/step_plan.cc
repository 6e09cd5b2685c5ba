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

}  // namespace

void StepPlan::Clear() {
  sequences.clear();
  tokens.clear();
  rows.clear();
  extents = {};
}

void StepPlan::Append(const Sequence& sequence, int num_tokens) {
  ScheduledSequence part = {.sequence = &sequence,
                            .id = sequence.id,
                            .first_position = sequence.scheduled,
                            .num_tokens = num_tokens,
                            .first_input = static_cast<int>(tokens.size()),
                            .first_row = static_cast<int>(rows.size())};
  const int64_t end = part.first_position + num_tokens;
  for (int64_t position = part.first_position; position < end; ++position) {
    if (position < sequence.known()) {
      tokens.push_back({.id = sequence.tokens[position]});
    } else {
      tokens.push_back({.row = sequence.last_sampled_row});
    }
  }
  AppendPromptRows(sequence, part, *this);
  part.samples_next = end == sequence.known() + sequence.samples_in_flight;
  if (part.samples_next) {
    rows.push_back({.input = static_cast<int32_t>(tokens.size()) - 1,
                    .sequence = static_cast<int32_t>(sequences.size()),
                    .position = end,
                    .mask_stops = end - sequence.prompt_tokens < sequence.params.min_tokens});
  }
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
