#include "engine/runner.h"

#include "core/base/check.h"

namespace engine {

absl::StatusOr<std::unique_ptr<Runner>> Runner::Create(Device& device, std::vector<Stage> stages, WeightStore weights,
                                                       int vocab_size) {
  ENGINE_CHECK(stages.size() == 1);
  const Stage& stage = stages.front();
  ASSIGN_OR_RETURN(StepBuffers inputs,
                   StepBuffers::Create(stage.program, static_cast<int>(stage.cache_groups.size()), vocab_size, device));
  std::unique_ptr<Runner> runner(new Runner(std::move(stages), std::move(weights), std::move(inputs)));
  ASSIGN_OR_RETURN(runner->stream_, device.CreateStream());
  RETURN_IF_ERROR(runner->BindStage(device));
  return runner;
}

// Caches are named "cache.<layer>"; their pool is that of the layer's group.
absl::Status Runner::AllocateValue(const Value& value, Device& device, std::byte*& address) {
  const Stage& stage = stages_.front();
  int64_t bytes = 0;
  if (value.kind == ValueKind::kOutput) {
    bytes = MaxBytes(value.spec, stage.program.limits);
  } else {
    for (size_t g = 0; g < stage.cache_groups.size(); ++g) {
      for (const int layer : stage.cache_groups[g].layers) {
        if (value.name == absl::StrFormat("cache.%d", layer)) bytes = stage.num_blocks[g] * value.spec.row_bytes();
      }
    }
    cache_bytes_ += bytes;
  }
  ASSIGN_OR_RETURN(Buffer buffer, device.Allocate(bytes, MemoryKind::kDevice));
  address = buffer.data();
  buffers_.push_back(std::move(buffer));
  return absl::OkStatus();
}

absl::Status Runner::BindStage(Device& device) {
  Program& program = stages_.front().program;
  std::vector<std::byte*> addresses(program.graph.values.size(), nullptr);
  for (size_t id = 0; id < addresses.size(); ++id) {
    const Value& value = program.graph.values[id];
    switch (value.kind) {
      case ValueKind::kIntermediate:
        break;
      case ValueKind::kStepInput:
        addresses[id] = inputs_.Find(value.name);
        break;
      case ValueKind::kWeight:
        addresses[id] = weights_.Find(value.name);
        break;
      case ValueKind::kCache:
      case ValueKind::kOutput:
        RETURN_IF_ERROR(AllocateValue(value, device, addresses[id]));
        break;
    }
    if (value.name == "samples") samples_ = addresses[id];
    if (value.name == "logits") {
      logits_ = addresses[id];
      logits_row_bytes_ = value.spec.row_bytes();
    }
  }
  ASSIGN_OR_RETURN(Buffer arena, device.Allocate(program.arena_bytes + program.scratch_bytes, MemoryKind::kDevice));
  buffers_.push_back(std::move(arena));
  return program.Bind(addresses, buffers_.back().data());
}

absl::StatusOr<std::span<const SampledToken>> Runner::Run(const StepPlan& plan) {
  inputs_.Fill(plan);
  RETURN_IF_ERROR(stream_->Run(stages_.front().program, plan.extents));
  ASSIGN_OR_RETURN(const uint64_t ticket, stream_->Record());
  RETURN_IF_ERROR(stream_->Wait(ticket));
  return std::span(reinterpret_cast<const SampledToken*>(samples_), plan.rows.size());
}

std::span<const float> Runner::logits(int row) const {
  const auto* data = reinterpret_cast<const float*>(logits_ + row * logits_row_bytes_);
  return {data, static_cast<size_t>(logits_row_bytes_) / sizeof(float)};
}

}  // namespace engine
