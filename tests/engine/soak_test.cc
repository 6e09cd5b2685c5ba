// Random requests, cancels and drafts on a tiny model whose cache is always short. After every step all invariants hold,
// and every request gets exactly the tokens and log-probabilities that it gets alone.
// ENGINE_SOAK_EVENTS=20000 runs longer, ENGINE_SOAK_SEED=n elsewhere.
#include <algorithm>
#include <iostream>
#include <map>
#include <random>

#include "core/runtime/scheduler.h"
#include "engine/open_model.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"
#include "tests/support/environment.h"

namespace engine {
namespace {

constexpr int kContext = 128;

// Prompts that share beginnings, short and longer answers, greedy ones and others.
std::vector<Request> KnownRequests() {
  std::vector<Request> requests;
  for (int r = 0; r < 12; ++r) {
    Request request{
        .prompt = RandomTokens(r % 3, 20 + 5 * r), .seed = static_cast<uint64_t>(r), .max_draft = 4 * (r % 4)};
    request.params.logprobs = 0;
    request.params.temperature = r % 2 == 0 ? 0 : 1;
    request.params.max_tokens = 2 + 4 * r;
    if (r % 4 == 3) request.params.prompt_logprobs = 0;
    if (r % 5 == 4) request.params.frequency_penalty = 0.5f;
    if (r % 5 == 1) request.params.repetition_penalty = 1.2f;
    requests.push_back(std::move(request));
  }
  return requests;
}

class Soak {
 public:
  Soak(const ModelOnDisk& model, const std::string& device, uint64_t seed) : random_(seed), known_(KnownRequests()) {
    auto opened = OpenModel({.model = model.path(),
                             .device = device,
                             .threads = 2,
                             .max_model_len = kContext,
                             .max_num_seqs = 4,
                             .max_num_batched_tokens = 40,
                             .kv_cache_bytes = 200'000});
    EXPECT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
    auto loaded = LoadModel(opened_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    loaded_ = *std::move(loaded);
    for (const Request& request : known_) alone_.push_back(RunAlone(request));
    scheduler_ = NewScheduler(true);
  }

  void RandomEvent() {
    const int dice = Draw(100);
    if (dice < 25 && live_.size() < 8) {
      Submit();
    } else if (dice < 28 && !live_.empty()) {
      Cancel(std::next(live_.begin(), Draw(static_cast<int>(live_.size())))->first);
    } else {
      Step();
    }
    const absl::Status status = scheduler_->CheckInvariants();
    ASSERT_TRUE(status.ok()) << status;
  }

  void Drain() {
    while (scheduler_->has_sequences() && !::testing::Test::HasFailure()) Step();
    EXPECT_TRUE(live_.empty());
  }

  const SchedulerStats& stats() const { return scheduler_->stats(); }
  int num_finished() const { return num_finished_; }

 private:
  using Tokens = std::vector<std::pair<int32_t, float>>;  // with their log-probabilities
  struct Live {
    int known;
    Tokens tokens;
  };

  int Draw(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

  std::unique_ptr<Scheduler> NewScheduler(bool cached) {
    SchedulerConfig config = opened_.options.limits;
    config.enable_prefix_caching = cached;
    auto scheduler = engine::NewScheduler(loaded_, config);
    EXPECT_TRUE(scheduler.ok()) << scheduler.status();
    return std::make_unique<Scheduler>(*std::move(scheduler));
  }

  std::span<const SequenceEvent> RunStep(Scheduler& scheduler) {
    std::optional<StepPlan> plan = scheduler.Next();
    if (!plan) return {};
    const auto samples = loaded_.runner->Run(*plan);
    EXPECT_TRUE(samples.ok()) << samples.status();
    rows_.clear();
    for (const SampledToken& sample : *samples) {
      rows_.push_back({.token = sample.id, .logprob = sample.logprob, .valid = sample.id >= 0});
    }
    return scheduler.Commit(*std::move(plan), {.rows = rows_});
  }

  Tokens RunAlone(const Request& request) {
    const auto scheduler = NewScheduler(false);
    EXPECT_TRUE(scheduler->Add(request).ok());
    Tokens tokens;
    while (scheduler->has_sequences()) {
      for (const SequenceEvent& event : RunStep(*scheduler)) {
        if (event.kind != SequenceEvent::Kind::kToken) continue;
        tokens.emplace_back(event.sampled.token, event.sampled.logprob);
      }
    }
    return tokens;
  }

  void Submit() {
    const int known = Draw(static_cast<int>(known_.size()));
    Request request = known_[known];
    request.id = next_id_++;
    request.priority = Draw(3);
    ASSERT_TRUE(scheduler_->Add(request).ok());
    live_[request.id] = {.known = known};
  }

  void Cancel(int64_t id) {
    EXPECT_TRUE(scheduler_->Cancel(id));
    live_.erase(id);
  }

  // Right up to some token, if at all.
  void SetDrafts() {
    for (const Sequence* sequence : scheduler_->running()) {
      if (!Scheduler::TakesDraft(*sequence) || Draw(3) == 0) continue;
      const Tokens& answer = alone_[live_.at(sequence->id).known];
      Draft draft = {.size = 1 + Draw(sequence->max_draft)};
      draft.verify = draft.size;
      const int num_right = Draw(2) * Draw(Draft::kMaxTokens + 1);
      for (int i = 0; i < draft.size; ++i) {
        const auto next = static_cast<size_t>(sequence->generated() + i);
        draft.tokens[i] = i < num_right && next < answer.size() ? answer[next].first : Draw(256);
      }
      scheduler_->SetDraft(*sequence, draft);
    }
  }

  void Step() {
    SetDrafts();
    for (const SequenceEvent& event : RunStep(*scheduler_)) {
      if (event.kind == SequenceEvent::Kind::kPromptScored) continue;
      const auto found = live_.find(event.sequence_id);
      ASSERT_NE(found, live_.end());
      found->second.tokens.emplace_back(event.sampled.token, event.sampled.logprob);
      if (event.reason == FinishReason::kNone) continue;
      ASSERT_EQ(found->second.tokens, alone_[found->second.known]) << "request " << event.sequence_id;
      live_.erase(found);
      ++num_finished_;
    }
  }

  std::mt19937_64 random_;
  std::vector<Request> known_;
  std::vector<Tokens> alone_;
  OpenedModel opened_;
  LoadedModel loaded_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<RowResult> rows_;
  std::map<int64_t, Live> live_;
  int64_t next_id_ = 0;
  int num_finished_ = 0;
};

class EngineSoak : public ::testing::TestWithParam<std::string> {};

// bf16, with a full and a sliding-window layer: two cache groups. The SIMT device does its work in random order.
TEST_P(EngineSoak, EveryRequestGetsTheTokensItGetsAlone) {
  const auto seed = static_cast<uint64_t>(NumberFromEnvironment("ENGINE_SOAK_SEED", 1));
  const int64_t slowness = GetParam() == "cpu" ? 1 : 8;
  const int64_t num_events = NumberFromEnvironment("ENGINE_SOAK_EVENTS", 1000) / slowness;
  const EnvironmentVariable simt_seed("ENGINE_SIMT_SEED", std::to_string(seed));
  std::cout << "seed " << seed << ", " << num_events << " events\n";
  const ModelOnDisk model({.weights = DType::kBF16, .sliding_window = true});
  Soak soak(model, GetParam(), seed);
  for (int64_t event = 0; event < num_events; ++event) {
    soak.RandomEvent();
    if (::testing::Test::HasFailure()) FAIL() << "event " << event;
  }
  soak.Drain();
  std::cout << soak.num_finished() << " requests finished, " << soak.stats().preemptions << " preemptions, "
            << soak.stats().prompt_tokens_cached << " of " << soak.stats().prompt_tokens_queried
            << " prompt tokens from the cache, " << soak.stats().accepted_tokens << " of "
            << soak.stats().drafted_tokens << " drafted tokens accepted\n";
  EXPECT_GT(soak.num_finished(), num_events / 100);
  EXPECT_GT(soak.stats().preemptions, 0);
  EXPECT_GT(soak.stats().prompt_tokens_cached, 0);
  EXPECT_GT(soak.stats().accepted_tokens, 0);
  EXPECT_GT(soak.stats().drafted_tokens, soak.stats().accepted_tokens);
}

INSTANTIATE_TEST_SUITE_P(Devices, EngineSoak, ::testing::Values("cpu", "simt"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace engine
