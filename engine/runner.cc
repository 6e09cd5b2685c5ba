#include "engine/runner.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_format.h"
#include "core/base/check.h"

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

// Whether all blocks that the step writes have memory on every device; those that it only reads were written once.
bool Runner::IsBacked(const StepPlan& plan) const {
  const auto is_backed = [this](size_t group, int32_t block) {
    return std::ranges::all_of(ranks_,
                               [&](const auto& rank) { return block < rank->backed_blocks(static_cast<int>(group)); });
  };
  for (const ScheduledSequence& part : plan.sequences) {
    const int64_t end = BlocksForTokens(part.first_position + part.num_tokens);
    const std::vector<BlockTable>& tables = part.sequence->blocks.tables;
    for (size_t g = 0; g < tables.size(); ++g) {
      for (int64_t i = part.first_position / kBlockTokens; i < end; ++i) {
        if (!is_backed(g, tables[g][i])) return false;
      }
    }
  }
  return true;
}

absl::StatusOr<std::span<const SampledToken>> Runner::Run(const StepPlan& plan) {
  ENGINE_CHECK(IsBacked(plan));
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

int Runner::BackBlocks(int group, int blocks) {
  int backed = std::numeric_limits<int>::max();
  for (const auto& rank : ranks_) {
    if (absl::Status status = rank->BackBlocks(group, blocks); !status.ok()) shortage_ = std::move(status);
    backed = std::min(backed, rank->backed_blocks(group));
  }
  return backed;
}

BackBlocks BackBlocksOf(Runner& runner, std::function<void(const std::string&)> warn) {
  // Every cache group has a copy.
  return [&runner, warn = std::move(warn), warned = std::make_shared<bool>(false)](int group, int blocks) {
    const int backed = runner.BackBlocks(group, blocks);
    if (backed < blocks && warn && !*warned) {
      warn(absl::StrFormat(
          "the KV cache cannot grow beyond %d blocks of %d tokens, so requests wait for each other's: %s", backed,
          kBlockTokens, Message(runner.shortage())));
      *warned = true;
    }
    return backed;
  };
}

}  // namespace engine
