// How long running streams wait while prompts are read, on machines whose steps cost what the test says.
#include "core/runtime/prompt_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/runtime/scheduler_builders.h"

namespace engine {
namespace {

// Seconds of a step: some for the weights, some for each row of logits and each token, more with what a token sees.
struct Machine {
  const char* name;
  double weights, row, token, seen;
  double noise = 0;  // as much longer at random, one step in twenty ten times that
};

constexpr int kPrompt = 2000;
constexpr int kStreams = 4;

class Simulation {
 public:
  Simulation(const Machine& machine, double share) : machine_(machine) {
    config_.max_num_seqs = kStreams + 1;
    config_.max_num_batched_tokens = 512;
    config_.max_model_len = 40000;
    config_.prefill_share = share;
    pace_ = PromptPace(config_);
    scheduler_.emplace(MakeScheduler(config_, 2000));
  }

  void AddStreams() {
    for (int id = 1; id <= kStreams; ++id) ASSERT_TRUE(scheduler_->Add(MakeRequest(id, 16, 10000 * id)).ok());
    for (int i = 0; i < 50; ++i) Step();
  }

  // Seconds of each step until a prompt is read, or `most` of them.
  std::vector<double> ReadPrompt(int most = 1 << 20) {
    Request request = MakeRequest(100 + num_prompts_, kPrompt, 50000 + 5000 * num_prompts_);
    ++num_prompts_;
    request.params.max_tokens = 1;
    EXPECT_TRUE(scheduler_->Add(request).ok());
    std::vector<double> steps;
    while (scheduler_->Find(request.id) != nullptr && static_cast<int>(steps.size()) < most) steps.push_back(Step());
    return steps;
  }

  double Step() {
    StepPlan plan = *scheduler_->Next(pace_.TokensBesideDecodes(scheduler_->running()));
    const double seconds = Seconds(plan);
    pace_.Observe(plan, seconds);
    CommitAll(*scheduler_, std::move(plan), 7);
    return seconds;
  }

  void set_machine(const Machine& machine) { machine_ = machine; }
  std::span<const Sequence* const> running() const { return scheduler_->running(); }

 private:
  double Seconds(const StepPlan& plan) {
    double seconds = machine_.weights + machine_.row * plan.extents.sampled;
    for (const ScheduledSequence& part : plan.sequences) {
      const double seen = static_cast<double>(part.first_position) + part.num_tokens / 2.0;
      seconds += part.num_tokens * (machine_.token + machine_.seen * seen);
    }
    const bool is_hiccup = std::uniform_int_distribution(0, 19)(random_) == 0;
    const double noise = std::uniform_real_distribution(0.0, machine_.noise)(random_);
    return seconds * (1 + (is_hiccup ? 10 : 1) * noise);
  }

  Machine machine_;
  SchedulerConfig config_ = SmallConfig();
  PromptPace pace_{config_};
  std::optional<Scheduler> scheduler_;
  int num_prompts_ = 0;
  std::mt19937_64 random_{1};
};

double Sum(const std::vector<double>& steps) {
  double sum = 0;
  for (const double seconds : steps) sum += seconds;
  return sum;
}

double Quantile(std::vector<double> steps, double share) {
  std::ranges::sort(steps);
  return steps[static_cast<size_t>(share * static_cast<double>(steps.size() - 1))];
}

class PromptPaceOn : public ::testing::TestWithParam<Machine> {};

TEST_P(PromptPaceOn, AStepBesideAPromptTakesAboutTwiceAsLong) {
  Simulation simulation(GetParam(), 0.5);
  simulation.AddStreams();
  simulation.ReadPrompt();  // from which it learns
  const double before = simulation.Step();
  const std::vector<double> steps = simulation.ReadPrompt();
  const double decode = (before + simulation.Step()) / 2;
  EXPECT_LT(Quantile(steps, 0.98), 2.3 * decode * (1 + GetParam().noise));
  EXPECT_GT(Quantile(steps, 0.5), 1.7 * decode) << "and no shorter: the prompt waits as well";
}

TEST_P(PromptPaceOn, APromptTakesAboutTwiceAsLongBesideStreamsAsAlone) {
  Simulation alone(GetParam(), 0.5), beside(GetParam(), 0.5);
  const double seconds_alone = Sum(alone.ReadPrompt());
  beside.AddStreams();
  beside.ReadPrompt();
  EXPECT_LT(Sum(beside.ReadPrompt()), 2.5 * seconds_alone);
}

TEST_P(PromptPaceOn, WithoutALimitAStepTakesAllThatFits) {
  Simulation simulation(GetParam(), 1);
  simulation.AddStreams();
  EXPECT_EQ(simulation.ReadPrompt().size(), 4u);
}

TEST_P(PromptPaceOn, AFasterMachineIsNoticedWhilePromptsFollowEachOther) {
  Machine slow = GetParam();
  for (double* part : {&slow.weights, &slow.row, &slow.token, &slow.seen}) *part *= 2;
  Simulation simulation(slow, 0.5);
  simulation.AddStreams();
  simulation.ReadPrompt();
  simulation.set_machine(GetParam());
  for (int prompt = 0; prompt < 20; ++prompt) simulation.ReadPrompt();
  const std::vector<double> steps = simulation.ReadPrompt();
  const double decode = simulation.Step();
  EXPECT_LT(Quantile(steps, 0.9), 2.3 * decode * (1 + GetParam().noise));
}

// Bound by arithmetic, by weights, with long contexts dear, and disturbed.
INSTANTIATE_TEST_SUITE_P(Machines, PromptPaceOn,
                         ::testing::Values(Machine{"Arithmetic", 0.001, 0.0001, 0.001, 0},
                                           Machine{"Weights", 0.060, 0.0001, 0.002, 0},
                                           Machine{"Contexts", 0.004, 0.0001, 0.0005, 1e-6},
                                           Machine{"Noise", 0.020, 0.0001, 0.001, 0, 0.1}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(PromptPace, OneTokenIsReadBesideDecodesBeforeAnythingIsKnown) {
  Simulation simulation({"", 0.020, 0, 0.001, 0}, 0.5);
  const PromptPace pace({.prefill_share = 0.5});
  EXPECT_EQ(pace.TokensBesideDecodes(simulation.running()), std::numeric_limits<int>::max()) << "nobody decodes";
  simulation.AddStreams();
  EXPECT_EQ(pace.TokensBesideDecodes(simulation.running()), 1);
}

TEST(PromptPace, TheFirstStepBesideDecodesGoesByWhatPromptsCostAlone) {
  Simulation simulation({"", 0.020, 0, 0.001, 0}, 0.5);
  simulation.AddStreams();
  const double decode = simulation.Step(), first = simulation.ReadPrompt(1).front();
  EXPECT_LT(first, 2 * decode);
  EXPECT_GT(first, 1.5 * decode);
}

}  // namespace
}  // namespace engine
