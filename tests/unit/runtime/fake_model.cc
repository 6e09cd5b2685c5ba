#include "tests/unit/runtime/fake_model.h"

#include <algorithm>

#include "core/runtime/stop_rules.h"

namespace engine {
namespace {

uint64_t Mix(uint64_t a, uint64_t b) {
  const uint64_t mixed = (a ^ (b + 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  return mixed ^ (mixed >> 29);
}

uint64_t MixAll(uint64_t start, std::span<const int32_t> tokens) {
  for (const int32_t token : tokens) start = Mix(start, static_cast<uint64_t>(token));
  return start;
}

// The sampler's keys, and for a request with penalties the tokens that they count.
uint64_t SamplerKey(uint64_t seed, int choice, int64_t position, const SamplingParams& params,
                    std::span<const int32_t> tokens_before) {
  const uint64_t key = Mix(Mix(seed, static_cast<uint64_t>(choice)), static_cast<uint64_t>(position));
  return params.has_penalties() ? MixAll(key, tokens_before) : key;
}

// All tokens before the row's own, drafted ones included.
std::vector<int32_t> TokensBefore(const StepPlan& plan, const LogitsRow& row) {
  const ScheduledSequence& part = plan.sequences[row.sequence];
  std::vector<int32_t> tokens = part.sequence->tokens;
  for (int64_t t = part.sequence->known(); t < row.position && part.num_drafted > 0; ++t) {
    tokens.push_back(plan.tokens[part.first_input + t - part.first_position].id);
  }
  return tokens;
}

float ScoreOf(uint64_t state, int32_t token) {
  return -static_cast<float>(Mix(state, static_cast<uint64_t>(token)) % 1000) / 100;
}

}  // namespace

FakeModel::FakeModel(std::vector<CacheGroup> groups, std::span<const int> num_blocks, int vocab_size)
    : groups_(std::move(groups)), vocab_size_(vocab_size) {
  for (const int blocks : num_blocks) pools_.emplace_back(static_cast<size_t>(blocks) * kBlockTokens);
}

FakeModel::Inputs FakeModel::Fill(const StepPlan& plan) {
  Inputs inputs = {.sequences = plan.sequences, .tokens = plan.tokens};
  for (const ScheduledSequence& part : plan.sequences) inputs.tables.push_back(part.sequence->blocks.tables);
  for (const LogitsRow& row : plan.rows) {
    const Sequence& sequence = *plan.sequences[row.sequence].sequence;
    inputs.rows.push_back(
        {.row = row,
         .key = SamplerKey(sequence.seed, sequence.choice, row.position, sequence.params, TokensBefore(plan, row)),
         .masked = row.mask_stops ? sequence.stop_ids : std::vector<int32_t>{}});
  }
  return inputs;
}

std::span<const RowResult> FakeModel::Run(const Inputs& inputs) {
  std::vector<uint64_t> states(inputs.tokens.size());
  for (size_t s = 0; s < inputs.sequences.size(); ++s) {
    const ScheduledSequence& part = inputs.sequences[s];
    for (int i = 0; i < part.num_tokens; ++i) {
      const TokenInput& input = inputs.tokens[part.first_input + i];
      const int32_t token = input.row == TokenInput::kKnown ? input.id : results_[input.row].token;
      states[part.first_input + i] = ComputeToken(inputs.tables[s], part.first_position + i, token);
    }
  }
  results_.clear();
  for (const Row& row : inputs.rows) results_.push_back(Sample(states[row.row.input], row));
  return results_;
}

uint64_t& FakeModel::Slot(int group, int32_t block, int64_t position) {
  return pools_[group].at(static_cast<size_t>(block) * kBlockTokens + position % kBlockTokens);
}

uint64_t FakeModel::ComputeToken(const std::vector<BlockTable>& tables, int64_t position, int32_t token) {
  uint64_t state = static_cast<uint64_t>(token);
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (int64_t p = FirstVisible(groups_[g].spec, position); p < position; ++p) {
      state = Mix(state, Slot(static_cast<int>(g), tables[g].at(p / kBlockTokens), p));
    }
  }
  for (size_t g = 0; g < groups_.size(); ++g) {
    Slot(static_cast<int>(g), tables[g].at(position / kBlockTokens), position) = state;
  }
  return state;
}

RowResult FakeModel::Sample(uint64_t state, const Row& row) const {
  if (row.row.scored != LogitsRow::kSample) {
    return {.token = row.row.scored, .logprob = ScoreOf(state, row.row.scored)};
  }
  auto token = static_cast<int32_t>(Mix(state, row.key) % static_cast<uint64_t>(vocab_size_));
  while (std::ranges::find(row.masked, token) != row.masked.end()) token = (token + 1) % vocab_size_;
  return {.token = token, .logprob = ScoreOf(state, token)};
}

FakeModel::Answer FakeModel::RunAlone(const Request& request, const SchedulerConfig& config) const {
  Answer answer;
  std::vector<int32_t> tokens = request.prompt;
  const auto prompt_tokens = static_cast<int64_t>(tokens.size());
  const std::vector<int32_t> stops = StopIds(request.params, config.eos_token_ids);
  answer.prompt_logprobs = {0.0f};
  std::vector<uint64_t> states;
  for (int64_t position = 0;; ++position) {
    uint64_t state = static_cast<uint64_t>(tokens[position]);
    for (const CacheGroup& group : groups_) {
      for (int64_t p = FirstVisible(group.spec, position); p < position; ++p) state = Mix(state, states[p]);
    }
    states.push_back(state);
    if (position + 1 < prompt_tokens) {
      answer.prompt_logprobs.push_back(ScoreOf(state, tokens[position + 1]));
      continue;
    }
    const int64_t generated = position + 1 - prompt_tokens;
    Row row = {.row = {.position = position + 1},
               .key = SamplerKey(request.seed, request.choice, position + 1, request.params, tokens)};
    if (generated < request.params.min_tokens) row.masked = stops;
    tokens.push_back(Sample(state, row).token);
    answer.tokens.push_back(tokens.back());
    if (generated >= request.params.min_tokens && std::ranges::find(stops, tokens.back()) != stops.end()) {
      answer.reason = FinishReason::kStop;
      return answer;
    }
    if (generated + 1 == request.params.max_tokens || position + 2 == config.max_model_len) {
      answer.reason = FinishReason::kLength;
      return answer;
    }
  }
}

}  // namespace engine
