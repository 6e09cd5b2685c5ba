#include "core/runtime/speculation.h"

#include <algorithm>
#include <tuple>

namespace engine {
namespace {

// A step with drafts must promise this much more than one without: estimates err by a few percent.
constexpr double kLeastAdvantage = 1.03;

// Of drafts that cost time: what they are worth at first, and how often one is made where they were worth nothing.
constexpr float kPriorMean = 0.6f;
constexpr int64_t kRetryTokens = 64;

}  // namespace

Speculation::Speculation(std::unique_ptr<Drafter> drafter, const SchedulerConfig& config, const StepCost& cost,
                         Review review)
    : drafter_(std::move(drafter)),
      review_(std::move(review)),
      max_num_seqs_(config.max_num_seqs),
      max_rows_(std::min(config.max_sampled, config.max_num_batched_tokens)),
      cost_(cost) {
  slots_.reserve(config.max_num_seqs);
  gains_.reserve(static_cast<size_t>(config.max_num_seqs) * Draft::kMaxTokens);
}

absl::Status Speculation::Prepare(Scheduler& scheduler) {
  slots_.clear();
  for (const Sequence* sequence : scheduler.running()) {
    if (!Scheduler::TakesDraft(*sequence)) continue;
    slots_.push_back({.sequence = sequence, .most = MostWorthProposing(*sequence, scheduler.num_running())});
  }
  if (slots_.empty()) return absl::OkStatus();
  const bool reads_prompts = ReadsPrompts(scheduler);
  if (reads_prompts && drafter_->seconds_per_token() > 0) return absl::OkStatus();
  RETURN_IF_ERROR(drafter_->Propose(slots_));
  if (review_) std::ranges::for_each(slots_, review_);
  ListGains();
  // A prompt makes a step long and its rows dear: drafts wait until it is read.
  if (!reads_prompts) ChooseLengths(scheduler.num_running());
  for (const DraftSlot& slot : slots_) scheduler.SetDraft(*slot.sequence, slot.draft);
  return absl::OkStatus();
}

bool Speculation::ReadsPrompts(const Scheduler& scheduler) const {
  if (scheduler.num_waiting() > 0 && scheduler.num_running() < max_num_seqs_) return true;
  return std::ranges::any_of(scheduler.running(), [](const Sequence* s) { return s->scheduled < s->known() - 1; });
}

// Drafts that cost nothing are always made: those that are not verified teach as well. Others are made as long as their
// expected tokens pay for them.
int Speculation::MostWorthProposing(const Sequence& sequence, int num_rows) const {
  const auto most = static_cast<int>(std::min<int64_t>(sequence.max_draft, sequence.capacity - sequence.known() - 1));
  const double token_seconds = drafter_->seconds_per_token();
  if (token_seconds == 0 || most <= 0) return std::max(0, most);
  const double chance = sequence.draft_record.MeanChance(kPriorMean);
  double tokens = 1, next = 1;  // of this sequence; the others are taken to do as it does
  double best_rate = kLeastAdvantage / cost_.Of(num_rows);
  int best = sequence.known() % kRetryTokens == 0 ? 1 : 0;
  for (int length = 1; length <= most && num_rows * (1 + length) <= max_rows_; ++length) {
    tokens += next *= chance;
    const double rate = tokens / (cost_.Of(num_rows * (1 + length)) + length * token_seconds);
    if (rate > best_rate) {
      best_rate = rate;
      best = length;
    }
  }
  return best;
}

void Speculation::ListGains() {
  gains_.clear();
  for (size_t s = 0; s < slots_.size(); ++s) {
    const DraftSlot& slot = slots_[s];
    float chance = 1;
    for (int i = 0; i < slot.draft.size; ++i) {
      const uint8_t evidence = slot.draft.evidence[i];
      chance *= slot.sequence->draft_record.ChanceOf(evidence, drafter_->Prior(evidence));
      gains_.push_back({.chance = chance, .slot = static_cast<int>(s), .index = i});
    }
  }
}

// Chances fall along a draft, so the best n tokens of all drafts are the beginnings of some.
void Speculation::ChooseLengths(int num_rows) {
  std::ranges::sort(gains_, [](const Gain& a, const Gain& b) {
    return std::tie(b.chance, a.slot, a.index) < std::tie(a.chance, b.slot, b.index);
  });
  double tokens = num_rows;
  double best_rate = kLeastAdvantage * tokens / cost_.Of(num_rows);
  size_t best = 0;
  for (size_t n = 0; n < gains_.size() && num_rows + static_cast<int>(n) < max_rows_; ++n) {
    tokens += gains_[n].chance;
    const double rate = tokens / cost_.Of(num_rows + static_cast<int>(n) + 1);
    if (rate > best_rate) {
      best_rate = rate;
      best = n + 1;
    }
  }
  for (size_t n = 0; n < best; ++n) ++slots_[gains_[n].slot].draft.verify;
}

}  // namespace engine
