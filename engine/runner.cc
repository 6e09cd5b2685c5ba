#include "engine/runner.h"

namespace engine {

absl::StatusOr<std::unique_ptr<Runner>> Runner::Create(std::vector<RankParts> ranks, int vocab_size) {
  std::vector<Device*> devices;
  for (const RankParts& rank : ranks) devices.push_back(&rank.device);
  const RankParts& first = ranks.front();
  ASSIGN_OR_RETURN(StepBuffers inputs, StepBuffers::Create(first.program, first.cache_groups, vocab_size, devices));
  std::unique_ptr<Runner> runner(new Runner(std::move(inputs)));
  for (RankParts& parts : ranks) {
    const int rank = static_cast<int>(runner->ranks_.size());
    ASSIGN_OR_RETURN(runner->ranks_.emplace_back(), Rank::Create(std::move(parts), runner->inputs_, rank));
  }
  runner->results_.resize(ranks.size());
  if (ranks.size() > 1) {
    ASSIGN_OR_RETURN(runner->team_, ThreadTeam::Create({.num_threads = static_cast<int>(ranks.size())}));
  }
  return runner;
}

absl::StatusOr<std::span<const SampledToken>> Runner::Run(const StepPlan& plan) {
  const StepExtents extents = inputs_.Fill(plan);
  const auto rows = static_cast<int64_t>(plan.rows.size());
  const auto run = [&](int rank) {
    // All draw the same tokens: one tells.
    results_[rank] = ranks_[rank]->Run(inputs_, extents, rank == 0 ? rows : 0);
  };
  if (team_ == nullptr) {
    run(0);
  } else {
    team_->Run([&run](const Worker& worker) { run(worker.index()); });
  }
  for (const absl::Status& result : results_) RETURN_IF_ERROR(result);
  return ranks_.front()->samples(rows);
}

}  // namespace engine
