#include "engine/rank.h"

#include <algorithm>
#include <limits>

#include "core/base/check.h"

namespace engine {
namespace {

// Sampling and the rows of a tile take up to this at the vocabularies there are; sums of long contexts lie behind.
constexpr int64_t kScratchOfShortSteps = int64_t{4} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<Rank>> Rank::Create(RankParts parts, const StepBuffers& inputs, int rank) {
  const std::vector<CacheGroup> groups = std::move(parts.cache_groups);
  const std::vector<int> num_blocks = std::move(parts.num_blocks);
  const std::vector<int> least_blocks = std::move(parts.least_blocks);
  std::unique_ptr<Rank> created(new Rank(std::move(parts), rank));
  for (size_t g = 0; g < groups.size(); ++g) {
    RETURN_IF_ERROR(created->CreatePool(groups[g], num_blocks[g], least_blocks[g]));
  }
  RETURN_IF_ERROR(created->Bind(inputs));
  return created;
}

absl::StatusOr<std::byte*> Rank::Allocate(int64_t bytes, int64_t backed_bytes) {
  ASSIGN_OR_RETURN(Buffer buffer, device_.Allocate(bytes, MemoryKind::kDevice));
  RETURN_IF_ERROR(device_.Back(buffer, backed_bytes).status());
  buffers_.push_back(std::move(buffer));
  return buffers_.back().data();
}

// One pool per group, a span of blocks of all its layers side by side: what a few tokens use is a few pages, however
// large.
absl::Status Rank::CreatePool(const CacheGroup& group, int num_blocks, int least_blocks) {
  const int64_t blocks = WholeSpans(num_blocks);
  const int64_t slots = blocks * static_cast<int64_t>(group.layers.size()) * kBlockTokens;
  if (slots > std::numeric_limits<int32_t>::max()) {
    return InvalidArgument(
        "the KV cache would have %d places for tokens, and at most %d can be numbered; "
        "lower --kv-cache-bytes",
        slots, std::numeric_limits<int32_t>::max());
  }
  const int64_t block_bytes = BlockBytes(group.spec);
  Pool& pool = pools_.emplace_back();
  pool.span_bytes = kSpanBlocks * BlockBytes(group);
  pool.blocks = num_blocks;
  ASSIGN_OR_RETURN(pool.memory, device_.Reserve(blocks / kSpanBlocks * pool.span_bytes));
  if (device_.info().growth_bytes > 0) {
    RETURN_IF_ERROR(BackBlocks(static_cast<int>(pools_.size()) - 1, least_blocks));
  } else {
    pool.backed_blocks = num_blocks;
    // A short request writes a block here and there in the first span, of which the others may never be used.
    device_.BackSparsely(pool.memory, pool.span_bytes);
  }
  cache_bytes_ += num_blocks * BlockBytes(group);
  for (size_t l = 0; l < group.layers.size(); ++l) {
    caches_[absl::StrFormat("cache.%d", group.layers[l])] = {
        pool.memory.data() + static_cast<int64_t>(l) * kSpanBlocks * block_bytes, block_bytes};
  }
  return absl::OkStatus();
}

absl::Status Rank::BackBlocks(int group, int blocks) {
  Pool& pool = pools_[group];
  if (blocks <= pool.backed_blocks) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t bytes, device_.Back(pool.memory, WholeSpans(blocks) / kSpanBlocks * pool.span_bytes));
  pool.backed_blocks = static_cast<int>(std::min<int64_t>(pool.blocks, bytes / pool.span_bytes * kSpanBlocks));
  return absl::OkStatus();
}

absl::Status Rank::Bind(const StepBuffers& inputs) {
  Program& program = program_;
  std::vector<std::byte*> addresses(program.graph.values.size(), nullptr);
  for (size_t id = 0; id < addresses.size(); ++id) {
    const Value& value = program.graph.values[id];
    switch (value.kind) {
      case ValueKind::kIntermediate:
        break;
      case ValueKind::kStepInput:
        addresses[id] = inputs.Find(value.name, rank_);
        break;
      case ValueKind::kWeight:
        addresses[id] = weights_.Find(value.name);
        break;
      case ValueKind::kCache:
        ENGINE_CHECK(value.spec.row_bytes() == caches_.at(value.name).block_bytes);
        addresses[id] = caches_.at(value.name).first_block;
        break;
      case ValueKind::kOutput: {
        ASSIGN_OR_RETURN(addresses[id], PlaceOutput(value));
        break;
      }
    }
  }
  ASSIGN_OR_RETURN(std::byte * arena, Allocate(program.arena_bytes, program.arena_bytes));
  ASSIGN_OR_RETURN(std::byte * scratch, Allocate(program.scratch_bytes, kScratchOfShortSteps));
  RETURN_IF_ERROR(program.Bind(addresses, arena, scratch));
  stream_->Tune(program, weights_.in_memory());
  return absl::OkStatus();
}

// Samples are read after every step.
absl::StatusOr<std::byte*> Rank::PlaceOutput(const Value& value) {
  const int64_t bytes = MaxBytes(value.spec, program_.limits);
  if (value.name == "samples") {
    ASSIGN_OR_RETURN(samples_, StagedBuffer::Create(device_, bytes));
    return samples_.device();
  }
  if (value.name == "logits") {
    ASSIGN_OR_RETURN(logits_, PlaceRows(value, value.spec.row_bytes()));
    return logits_.rows;
  }
  if (value.name == "hidden_states") {
    ASSIGN_OR_RETURN(hidden_states_, PlaceRows(value, bytes));
    return hidden_states_.rows;
  }
  return Allocate(bytes, value.spec.row_bytes());
}

absl::StatusOr<Rank::RowOutput> Rank::PlaceRows(const Value& value, int64_t staged_bytes) {
  RowOutput output{.row_bytes = value.spec.row_bytes()};
  const int64_t bytes = MaxBytes(value.spec, program_.limits);
  ASSIGN_OR_RETURN(output.rows, Allocate(bytes, output.row_bytes));
  if (device_.info().reads_host_memory) return output;
  ASSIGN_OR_RETURN(output.staging, device_.Allocate(staged_bytes, MemoryKind::kHost));
  return output;
}

absl::Status Rank::Run(const StepBuffers& inputs, const StepExtents& extents, int64_t rows) {
  RETURN_IF_ERROR(inputs.Upload(*stream_, rank_));
  RETURN_IF_ERROR(stream_->Run(program_, extents));
  RETURN_IF_ERROR(samples_.Download(*stream_, rows * static_cast<int64_t>(sizeof(SampledToken))));
  return AwaitStream();
}

absl::StatusOr<std::span<const float>> Rank::Read(const RowOutput& output, int first, int count) {
  ENGINE_CHECK(output.rows != nullptr);
  const std::byte* data = output.rows + first * output.row_bytes;
  const int64_t bytes = count * output.row_bytes;
  if (output.staging.size() > 0) {
    ENGINE_CHECK(bytes <= output.staging.size());
    RETURN_IF_ERROR(stream_->Copy(output.staging.data(), data, bytes));
    RETURN_IF_ERROR(AwaitStream());
    data = output.staging.data();
  }
  return std::span(reinterpret_cast<const float*>(data), bytes / sizeof(float));
}

absl::Status Rank::AwaitStream() {
  ASSIGN_OR_RETURN(const uint64_t ticket, stream_->Record());
  return stream_->Wait(ticket);
}

}  // namespace engine
