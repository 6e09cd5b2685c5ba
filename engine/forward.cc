#include "engine/forward.h"

#include <algorithm>

namespace engine {
namespace {

// The table of a sequence that owns a whole pool: blocks in turn, those that were overwritten since as null.
BlockTable RingTable(int64_t num_tokens, int num_blocks) {
  BlockTable table(BlocksForTokens(num_tokens));
  for (size_t i = 0; i < table.size(); ++i) {
    const bool overwritten = i + num_blocks < table.size();
    table[i] = overwritten ? kNullBlock : static_cast<int32_t>(i % num_blocks);
  }
  return table;
}

StepPlan PlanChunk(const Sequence& sequence, int64_t first, int count) {
  StepPlan plan;
  plan.sequences.push_back({.sequence = &sequence, .first_position = first, .num_tokens = count, .num_rows = count});
  for (int t = 0; t < count; ++t) {
    plan.tokens.push_back({.id = sequence.tokens[first + t]});
    plan.rows.push_back({.input = t, .position = first + t + 1});
  }
  plan.extents = {.tokens = count,
                  .sequences = 1,
                  .sampled = count,
                  .decode_sequences = count == 1 ? 1 : 0,
                  .max_query = count,
                  .max_context = static_cast<int>(first + count)};
  return plan;
}

// As much of the pools as a ring of `num_tokens` uses.
absl::Status BackRings(const LoadedModel& model, int64_t num_tokens) {
  for (size_t g = 0; g < model.memory.num_blocks.size(); ++g) {
    const auto blocks = static_cast<int>(std::min<int64_t>(BlocksForTokens(num_tokens), model.memory.num_blocks[g]));
    if (model.runner->BackBlocks(static_cast<int>(g), blocks) < blocks) return model.runner->shortage();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ForwardSequence(LoadedModel& model, std::span<const int32_t> tokens, int chunk, const LogitsSink& sink) {
  const StepLimits& limits = model.runner->program().limits;
  chunk = std::min({chunk, limits.max_tokens, limits.max_sampled});
  Sequence sequence;
  sequence.tokens.assign(tokens.begin(), tokens.end());
  sequence.params.temperature = 0;
  const auto size = static_cast<int64_t>(tokens.size());
  RETURN_IF_ERROR(BackRings(model, size));
  for (int64_t first = 0; first < size; first += chunk) {
    const int count = static_cast<int>(std::min<int64_t>(chunk, size - first));
    sequence.blocks.tables.clear();
    for (const int num_blocks : model.memory.num_blocks)
      sequence.blocks.tables.push_back(RingTable(first + count, num_blocks));
    RETURN_IF_ERROR(model.runner->Run(PlanChunk(sequence, first, count)).status());
    for (int t = 0; t < count; ++t) {
      ASSIGN_OR_RETURN(const std::span<const float> logits, model.runner->Logits(t));
      sink(first + t, logits.first(model.vocab));
    }
  }
  return absl::OkStatus();
}

}  // namespace engine
