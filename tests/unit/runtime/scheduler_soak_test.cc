// Random requests, cancels, drafts and late commits on pools of a few blocks. After every event all invariants hold, and
// every request gets exactly the tokens it gets when it runs alone.
// ENGINE_SOAK_EVENTS=20000 runs longer, ENGINE_SOAK_SEED=n elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iostream>
#include <map>
#include <random>
#include <string>

#include "core/runtime/scheduler.h"
#include "tests/support/environment.h"
#include "tests/unit/runtime/fake_model.h"
#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

constexpr int kVocabulary = 40;
constexpr int kMostRequests = 10;

struct Setup {
  const char* name;
  std::vector<CacheGroup> groups;
  std::vector<int> num_blocks;
  int max_steps_in_flight;
  bool enable_prefix_caching;
  // Of each pool, at first; none: all. More get memory when it happens to be there.
  std::vector<int> backed_blocks = {};
};

std::ostream& operator<<(std::ostream& out, const Setup& setup) { return out << setup.name; }

SchedulerConfig ConfigOf(const Setup& setup) {
  return {.max_num_seqs = 5,
          .max_num_batched_tokens = 40,
          .max_model_len = 200,
          .max_sampled = 14,
          .max_steps_in_flight = setup.max_steps_in_flight,
          .enable_prefix_caching = setup.enable_prefix_caching,
          .eos_token_ids = {3}};
}

class Soak {
 public:
  Soak(const Setup& setup, uint64_t seed)
      : random_(seed),
        config_(ConfigOf(setup)),
        model_(setup.groups, setup.num_blocks, kVocabulary),
        backed_(setup.backed_blocks),
        scheduler_(*Scheduler::Create(config_, setup.groups, setup.num_blocks, Back())) {}

  void RandomEvent() {
    const int dice = Draw(100);
    if (dice < 15 && live_.size() < kMostRequests) {
      Submit();
    } else if (dice < 17 && !live_.empty()) {
      Cancel(std::next(live_.begin(), Draw(static_cast<int>(live_.size())))->first);
    } else if (dice < 58) {
      Plan();
    } else {
      Complete();
    }
    CheckInvariants();
  }

  // Every request ends within the steps that all of their tokens take one by one, preempted a few times each.
  void Drain() {
    for (int steps = 0; scheduler_.has_sequences() && !::testing::Test::HasFatalFailure(); ++steps) {
      ASSERT_LT(steps, kMostRequests * config_.max_model_len * 4) << "the scheduler makes no progress";
      Plan();
      Complete();
      CheckInvariants();
    }
    EXPECT_TRUE(live_.empty());
    for (int g = 0; g < scheduler_.blocks().num_groups(); ++g) EXPECT_EQ(scheduler_.blocks().group(g).num_owned(), 0);
  }

  const SchedulerStats& stats() const { return scheduler_.stats(); }
  int num_finished() const { return num_finished_; }

 private:
  struct Live {
    Request request;
    FakeModel::Answer expected;
    std::vector<int32_t> tokens;
    int64_t next_scored = 1;
  };
  struct Submitted {
    StepPlan plan;
    FakeModel::Inputs inputs;
  };

  // Now and then a block more than asked for, or none at all.
  BackBlocks Back() {
    if (backed_.empty()) return nullptr;
    return [this](int group, int blocks) {
      if (blocks > backed_[group] && Draw(3) == 0) backed_[group] = blocks + Draw(2);
      return backed_[group];
    };
  }

  int Draw(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

  // Prompts are prefixes of three documents with a random tail, so that many share blocks.
  Request RandomRequest() {
    Request request = {.id = next_id_++,
                       .seed = random_(),
                       .choice = Draw(3),
                       .priority = Draw(3),
                       .tenant = std::string(Draw(4), 't')};
    const int document = Draw(3), shared = Draw(110), tail = 1 + Draw(20);
    for (int i = 0; i < shared; ++i) request.prompt.push_back((i * (document + 3) + i / 7) % kVocabulary);
    for (int i = 0; i < tail; ++i) request.prompt.push_back(Draw(kVocabulary));
    request.cache_salt = Draw(4) == 0 ? "other" : "";
    request.constrained = Draw(6) == 0;
    request.max_draft = Draw(3) == 0 ? 0 : 1 + Draw(Draft::kMaxTokens);
    request.params.max_tokens = 1 + Draw(50);
    request.params.ignore_eos = Draw(2) == 0;
    request.params.min_tokens = Draw(2) == 0 ? 0 : Draw(request.params.max_tokens + 1);
    if (Draw(4) == 0) request.params.stop_token_ids = {Draw(kVocabulary)};
    if (Draw(6) == 0) request.params.presence_penalty = 1;
    if (Draw(6) == 0) request.params.prompt_logprobs = 0;
    return request;
  }

  void Submit() {
    const Request request = RandomRequest();
    const absl::Status added = scheduler_.Add(request);
    if (!added.ok()) return;  // could never fit in these pools
    live_[request.id] = {.request = request, .expected = model_.RunAlone(request, config_)};
  }

  void Cancel(int64_t id) {
    EXPECT_TRUE(scheduler_.Cancel(id));
    live_.erase(id);
  }

  // Right guesses, wrong ones, and right ones up to some token; some reach behind the answer's end.
  Draft RandomDraft(const Sequence& sequence) {
    const std::vector<int32_t>& answer = live_.at(sequence.id).expected.tokens;
    Draft draft = {.size = Draw(Draft::kMaxTokens + 1)};
    draft.verify = Draw(std::min(draft.size, sequence.max_draft) + 1);
    const int num_right = Draw(3) == 0 ? Draft::kMaxTokens : Draw(Draft::kMaxTokens);
    for (int i = 0; i < draft.size; ++i) {
      const auto next = static_cast<size_t>(sequence.generated() + i);
      const bool right = i < num_right && next < answer.size();
      draft.tokens[i] = right ? answer[next] : Draw(kVocabulary);
      draft.evidence[i] = static_cast<uint8_t>(Draw(Draft::kNumClasses));
    }
    return draft;
  }

  void SetDrafts() {
    for (const Sequence* sequence : scheduler_.running()) {
      if (Scheduler::TakesDraft(*sequence) && Draw(3) > 0) scheduler_.SetDraft(*sequence, RandomDraft(*sequence));
    }
  }

  void Plan() {
    if (submitted_.size() < static_cast<size_t>(config_.max_steps_in_flight)) SetDrafts();
    const bool must_plan = submitted_.empty() && scheduler_.has_sequences();
    const int max_prompt_tokens = Draw(2) == 0 ? config_.max_num_batched_tokens : 1 + Draw(8);
    std::optional<StepPlan> plan = scheduler_.Next(max_prompt_tokens);
    ASSERT_TRUE(plan.has_value() || !must_plan) << "sequences wait, no step is in flight, and none is planned";
    if (!plan) return;
    EXPECT_LE(plan->extents.tokens, config_.max_num_batched_tokens);
    EXPECT_LE(plan->extents.sampled, config_.max_sampled);
    EXPECT_LE(plan->extents.sequences, config_.max_num_seqs);
    FakeModel::Inputs inputs = FakeModel::Fill(*plan);
    submitted_.push_back({std::move(*plan), std::move(inputs)});
  }

  // The oldest step runs as late as it can: when its result is wanted.
  void Complete() {
    if (submitted_.empty()) return;
    Submitted step = std::move(submitted_.front());
    submitted_.pop_front();
    CheckBlocksAreHeld(step.inputs);
    std::vector<RowResult> rows = RowsOfStep(step.inputs);
    for (const SequenceEvent& event : scheduler_.Commit(std::move(step.plan), {.rows = rows})) Receive(event);
  }

  // Whatever a model says behind a wrong guess, that its logits are no numbers included.
  std::vector<RowResult> RowsOfStep(const FakeModel::Inputs& inputs) {
    const std::span<const RowResult> computed = model_.Run(inputs);
    std::vector<RowResult> rows(computed.begin(), computed.end());
    for (const ScheduledSequence& part : inputs.sequences) {
      const int first_row = part.first_row + part.num_rows - 1 - part.num_drafted;
      const int first_input = part.first_input + part.num_tokens - part.num_drafted;
      bool wrong = false;
      for (int i = 0; i < part.num_drafted; ++i) {
        wrong = wrong || inputs.tokens[first_input + i].id != computed[first_row + i].token;
        if (wrong) rows[first_row + i + 1] = {.token = -1, .valid = false};
      }
    }
    return rows;
  }

  // Every block that the step's first token or a later one sees.
  void CheckBlocksAreHeld(const FakeModel::Inputs& inputs) {
    for (size_t s = 0; s < inputs.sequences.size(); ++s) {
      for (int g = 0; g < scheduler_.blocks().num_groups(); ++g) {
        const BlockManager& manager = scheduler_.blocks().group(g);
        const BlockTable& table = inputs.tables[s][g];
        const int64_t first = FirstVisible(manager.spec(), inputs.sequences[s].first_position) / kBlockTokens;
        for (size_t i = first; i < table.size(); ++i) {
          ASSERT_NE(table[i], kNullBlock);
          ASSERT_GE(manager.owners(table[i]), 1) << "a block was freed under a submitted step";
        }
      }
    }
  }

  void Receive(const SequenceEvent& event) {
    const auto found = live_.find(event.sequence_id);
    ASSERT_NE(found, live_.end()) << "an event of request " << event.sequence_id << ", which has ended";
    Live& live = found->second;
    if (event.kind == SequenceEvent::Kind::kPromptScored) {
      ASSERT_EQ(event.position, live.next_scored++);
      ASSERT_EQ(event.sampled.logprob, live.expected.prompt_logprobs[event.position]);
      return;
    }
    live.tokens.push_back(event.sampled.token);
    ASSERT_LE(live.tokens.size(), live.expected.tokens.size());
    ASSERT_EQ(live.tokens.back(), live.expected.tokens[live.tokens.size() - 1])
        << "token " << live.tokens.size() - 1 << " of request " << event.sequence_id;
    if (event.reason == FinishReason::kNone) return;
    ASSERT_EQ(live.tokens, live.expected.tokens);
    ASSERT_EQ(event.reason, live.expected.reason);
    if (live.request.params.prompt_logprobs) {
      ASSERT_EQ(live.next_scored, static_cast<int64_t>(live.request.prompt.size()));
    }
    live_.erase(found);
    ++num_finished_;
  }

  void CheckInvariants() {
    const absl::Status status = scheduler_.CheckInvariants();
    ASSERT_TRUE(status.ok()) << status;
  }

  std::mt19937_64 random_;
  SchedulerConfig config_;
  FakeModel model_;
  std::vector<int> backed_;
  Scheduler scheduler_;
  std::deque<Submitted> submitted_;
  std::map<int64_t, Live> live_;
  int64_t next_id_ = 0;
  int num_finished_ = 0;
};

class SchedulerSoak : public ::testing::TestWithParam<Setup> {};

TEST_P(SchedulerSoak, EveryRequestGetsTheTokensItGetsAlone) {
  const auto seed = static_cast<uint64_t>(NumberFromEnvironment("ENGINE_SOAK_SEED", 1));
  const int64_t num_events = NumberFromEnvironment("ENGINE_SOAK_EVENTS", 4000);
  std::cout << "seed " << seed << ", " << num_events << " events\n";
  Soak soak(GetParam(), seed);
  for (int64_t event = 0; event < num_events; ++event) {
    ASSERT_NO_FATAL_FAILURE(soak.RandomEvent()) << "event " << event;
    if (HasFailure()) FAIL() << "event " << event;
  }
  ASSERT_NO_FATAL_FAILURE(soak.Drain());
  std::cout << soak.num_finished() << " requests finished, " << soak.stats().preemptions << " preemptions, "
            << soak.stats().prompt_tokens_cached << " of " << soak.stats().prompt_tokens_queried
            << " prompt tokens from the cache, " << soak.stats().accepted_tokens << " of "
            << soak.stats().drafted_tokens << " drafted tokens accepted\n";
  EXPECT_GT(soak.num_finished(), num_events / 100);
  EXPECT_GT(soak.stats().preemptions, 0);
  EXPECT_GT(soak.stats().accepted_tokens, num_events / 20);
  EXPECT_GT(soak.stats().drafted_tokens, soak.stats().accepted_tokens);
  EXPECT_EQ(soak.stats().prompt_tokens_cached > 0, GetParam().enable_prefix_caching);
}

// A sequence of 200 tokens needs 7 blocks of a paged group; in the window group of 50 tokens, 4 at most.
const std::vector<CacheGroup> kPagedOnly = {PagedGroup()};
const std::vector<CacheGroup> kPagedAndWindow = {PagedGroup(), WindowGroup(50)};
const std::vector<CacheGroup> kWindowOnly = {WindowGroup(50)};

INSTANTIATE_TEST_SUITE_P(
    Setups, SchedulerSoak,
    ::testing::Values(Setup{"Paged", kPagedOnly, {12}, 1, true}, Setup{"PagedTwoSteps", kPagedOnly, {12}, 2, true},
                      Setup{"PagedUncachedTwoSteps", kPagedOnly, {12}, 2, false},
                      Setup{"PagedAndWindow", kPagedAndWindow, {14, 14}, 1, true},
                      Setup{"PagedAndWindowTwoSteps", kPagedAndWindow, {14, 14}, 2, true},
                      Setup{"WindowPoolIsTheTightOne", kPagedAndWindow, {40, 9}, 2, true},
                      Setup{"WindowOnlyTwoSteps", kWindowOnly, {9}, 2, true},
                      Setup{"PagedThatGrows", kPagedOnly, {14}, 1, true, {7}},
                      Setup{"PagedAndWindowThatGrowTwoSteps", kPagedAndWindow, {14, 9}, 2, true, {7, 4}}),
    [](const ::testing::TestParamInfo<Setup>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace engine
