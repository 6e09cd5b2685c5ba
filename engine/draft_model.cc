#include "engine/draft_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/clock.h"
#include "engine/model_text.h"

namespace engine {
namespace {

// Tokens that the draft model gives at least these probabilities are of class 0, 1, …
constexpr std::array<float, Draft::kNumClasses> kLeastProbability = {0.0f, 0.15f, 0.3f, 0.45f,
                                                                     0.6f, 0.75f, 0.9f, 0.98f};

// A good draft model is about as often right as it is sure.
constexpr std::array<float, Draft::kNumClasses> kPrior = {0.1f, 0.25f, 0.4f, 0.5f, 0.65f, 0.8f, 0.9f, 0.95f};

// A guess less likely than this ends a draft: what follows it is hardly ever needed.
constexpr float kLeastConfidence = 0.3f;

absl::Status CheckSameVocabulary(const Tokenizer& draft, const Tokenizer& large) {
  if (draft.vocab_size() != large.vocab_size()) {
    return InvalidArgument("its vocabulary has %d tokens; a draft model must have the %d of the model it drafts for",
                           draft.vocab_size(), large.vocab_size());
  }
  for (int32_t id = 0; id < large.vocab_size(); ++id) {
    if (draft.Spelling(id) == large.Spelling(id)) continue;
    return InvalidArgument(
        "its token %d is '%s'; in the model it drafts for, which must have the same vocabulary, '%s'", id,
        draft.Spelling(id), large.Spelling(id));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OpenedModel>> DraftModel::Open(const EngineOptions& options, const OpenedModel& large,
                                                              const Tokenizer& tokenizer) {
  EngineOptions own = options;
  own.model = options.draft_model;
  own.max_model_len = 0;
  own.num_speculative_tokens = 0;
  own.pooling = "none";
  own.kv_cache_bytes = 0;
  own.load_progress = nullptr;
  auto opened = std::make_unique<OpenedModel>();
  ASSIGN_OR_RETURN(*opened, OpenModel(own, large.devices));
  ASSIGN_OR_RETURN(const ModelText text, LoadModelText(*opened->checkpoint));
  RETURN_IF_ERROR(CheckSameVocabulary(*text.tokenizer, tokenizer));
  if (opened->config.vocab < large.options.vocab) {
    return InvalidArgument("it has %d tokens; a draft model must have the %d of the model it drafts for",
                           opened->config.vocab, large.options.vocab);
  }
  opened->options.vocab = large.options.vocab;
  opened->options.limits.max_model_len = std::min(large.options.limits.max_model_len, opened->config.max_position);
  opened->options.limits.eos_token_ids = large.options.limits.eos_token_ids;
  opened->fit_context = large.fit_context;
  return opened;
}

absl::StatusOr<std::unique_ptr<DraftModel>> DraftModel::Load(std::unique_ptr<OpenedModel> opened,
                                                             PlannedModel planned) {
  ASSIGN_OR_RETURN(LoadedModel model, LoadModel(*opened, std::move(planned)));
  opened->checkpoint->ReleaseTexts();
  ASSIGN_OR_RETURN(
      std::unique_ptr<CacheBlocks> blocks,
      CacheBlocks::Create(model.cache_groups, model.memory.num_blocks, opened->options.limits.enable_prefix_caching,
                          BackBlocksOf(*model.runner, nullptr)));
  return std::unique_ptr<DraftModel>(new DraftModel(std::move(opened), std::move(model), std::move(blocks)));
}

DraftModel::DraftModel(std::unique_ptr<OpenedModel> opened, LoadedModel model, std::unique_ptr<CacheBlocks> blocks)
    : opened_(std::move(opened)), model_(std::move(model)), blocks_(std::move(blocks)) {
  followers_.reserve(opened_->options.limits.max_num_seqs);
  planned_.reserve(opened_->options.limits.max_num_seqs);
}

float DraftModel::Prior(uint8_t evidence) const { return kPrior[evidence]; }

absl::Status DraftModel::Propose(std::span<DraftSlot> slots) {
  DropOthers(slots);
  for (DraftSlot& slot : slots) {
    if (slot.most > 0) Begin(slot);
  }
  while (PlanStep()) RETURN_IF_ERROR(RunStep());
  return absl::OkStatus();
}

// Sequences that have ended, wait again or read a prompt.
void DraftModel::DropOthers(std::span<const DraftSlot> slots) {
  for (const auto& follower : followers_) {
    const auto follows = [&](const DraftSlot& slot) { return slot.sequence->id == follower->sequence.id; };
    follower->is_followed = std::ranges::any_of(slots, follows);
    if (follower->is_followed) continue;
    blocks_->Release(follower->sequence.blocks);
    blocks_->ForgetShortage();
  }
  std::erase_if(followers_, [](const auto& follower) { return !follower->is_followed; });
}

DraftModel::Follower& DraftModel::Follow(const Sequence& sequence) {
  const auto found = std::ranges::find(followers_, sequence.id, [](const auto& f) { return f->sequence.id; });
  if (found != followers_.end()) return **found;
  auto follower = std::make_unique<Follower>();
  Sequence& mine = follower->sequence;
  mine.id = sequence.id;
  mine.params = sequence.params;
  mine.params.logprobs = 0;
  mine.seed = sequence.seed;
  mine.choice = sequence.choice;
  mine.stop_ids = sequence.stop_ids;
  mine.prompt_tokens = mine.prompt_scored = sequence.prompt_tokens;
  mine.tokens.reserve(sequence.capacity);
  const PrefixMatch match = blocks_->Match(sequence.tokens, sequence.cache_salt);
  blocks_->Start(match, sequence.cache_salt, mine.blocks);
  for (BlockTable& table : mine.blocks.tables) table.reserve(BlocksForTokens(sequence.capacity));
  mine.tokens.assign(sequence.tokens.begin(), sequence.tokens.begin() + match.num_tokens());
  mine.computed = mine.scheduled = match.num_tokens();
  followers_.push_back(std::move(follower));
  return *followers_.back();
}

// What was drafted last and turned out right is computed already. False if there is no room.
bool DraftModel::Begin(DraftSlot& slot) {
  const Sequence& sequence = *slot.sequence;
  slot.most = static_cast<int>(std::min<int64_t>(slot.most, opened_->options.limits.max_model_len - sequence.known()));
  if (slot.most <= 0) return false;
  Follower& follower = Follow(sequence);
  Sequence& mine = follower.sequence;
  const auto [differs, unused] = std::ranges::mismatch(mine.tokens, sequence.tokens);
  const int64_t common = differs - mine.tokens.begin();
  mine.tokens.resize(common);
  mine.tokens.insert(mine.tokens.end(), sequence.tokens.begin() + common, sequence.tokens.end());
  mine.computed = mine.scheduled = std::min(mine.computed, std::min(common, sequence.known() - 1));
  blocks_->Advance(mine.blocks, mine.tokens, mine.computed);
  if (!blocks_->Grow(mine.blocks, sequence.known() + slot.most)) return false;
  follower.slot = &slot;
  return true;
}

// Each sequence that wants more is computed up to its last token, as far as a step goes. False if none does.
bool DraftModel::PlanStep() {
  plan_.Clear();
  planned_.clear();
  int budget = opened_->options.limits.max_num_batched_tokens;
  PlanParts(/*single=*/true, budget);
  PlanParts(/*single=*/false, budget);
  return !planned_.empty();
}

// Parts of one token come first (StepPlan::sequences).
void DraftModel::PlanParts(bool single, int& budget) {
  for (const auto& follower : followers_) {
    Sequence& mine = follower->sequence;
    const int64_t missing = mine.known() - mine.computed;
    if (follower->slot == nullptr || (missing == 1) != single) continue;
    if (budget < 2) return;  // a longer part must not be cut to one token
    const int count = static_cast<int>(std::min<int64_t>(missing, budget));
    plan_.Append(mine, count, 0);
    planned_.push_back(follower.get());
    budget -= count;
  }
}

absl::Status DraftModel::RunStep() {
  const TimePoint start = Now();
  ASSIGN_OR_RETURN(const std::span<const SampledToken> samples, model_.runner->Run(plan_));
  const double seconds = SecondsSince(start);
  // A moving average over steps that make drafts; those that read prompts are of another kind.
  constexpr double kWeight = 0.2;
  if (plan_.extents.max_query <= 2) seconds_per_token_ += kWeight * (seconds - seconds_per_token_);
  for (size_t p = 0; p < planned_.size(); ++p) {
    const ScheduledSequence& part = plan_.sequences[p];
    Sequence& mine = planned_[p]->sequence;
    mine.computed = mine.scheduled = part.first_position + part.num_tokens;
    if (part.samples_next) Take(samples[part.first_row], *planned_[p]);
  }
  return absl::OkStatus();
}

void DraftModel::Take(const SampledToken& sample, Follower& follower) {
  Draft& draft = follower.slot->draft;
  const float probability = std::exp(sample.logprob);
  if (sample.id >= 0) {
    draft.tokens[draft.size] = sample.id;
    draft.evidence[draft.size] = ClassOf(probability, kLeastProbability);
    ++draft.size;
    follower.sequence.tokens.push_back(sample.id);
  }
  if (sample.id < 0 || draft.size == follower.slot->most || probability < kLeastConfidence) follower.slot = nullptr;
}

}  // namespace engine
