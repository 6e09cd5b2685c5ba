#include "engine/step_buffers.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_format.h"
#include "core/base/cache_line.h"

namespace engine {

absl::StatusOr<StepBuffers> StepBuffers::Create(const Program& program, const std::vector<CacheGroup>& groups,
                                                int vocab_size, std::span<Device* const> devices) {
  StepBuffers buffers(vocab_size);
  buffers.limits_ = program.limits;
  buffers.rounds_up_ = devices.front()->info().replays_steps;
  std::map<std::string_view, int64_t> widths;  // of block tables
  int64_t bytes = 0;
  for (const Value& value : program.graph.values) {
    if (value.kind != ValueKind::kStepInput) continue;
    if (value.spec.shape.rank() == 2) widths[value.name] = value.spec.shape[1];
    buffers.offsets_[value.name] = bytes;
    bytes += CacheLines(MaxBytes(value.spec, program.limits));
  }
  ASSIGN_OR_RETURN(buffers.blob_, StagedBuffer::Create(*devices.front(), bytes));
  for (Device* device : devices.subspan(1)) {
    ASSIGN_OR_RETURN(buffers.blobs_.emplace_back(), device->Allocate(bytes, MemoryKind::kDevice));
  }

  for (size_t g = 0; g < groups.size(); ++g) {
    const std::string table = absl::StrFormat("block_table.%d", g);
    buffers.groups_.push_back({buffers.Ints(absl::StrFormat("slots.%d", g)), buffers.Ints(table), widths[table],
                               static_cast<int32_t>(groups[g].layers.size())});
  }
  buffers.tokens_ = buffers.Ints("tokens");
  buffers.positions_ = buffers.Ints("positions");
  buffers.query_start_ = buffers.Ints("query_start");
  buffers.query_length_ = buffers.Ints("query_length");
  buffers.context_length_ = buffers.Ints("context_length");
  buffers.sampled_rows_ = buffers.Ints("sampled_rows");
  buffers.token_masks_ = reinterpret_cast<uint32_t*>(buffers.Ints("token_masks"));
  buffers.mask_words_ = TokenMaskWords(vocab_size);
  return buffers;
}

std::byte* StepBuffers::AddressIn(std::byte* blob, std::string_view name) const {
  const auto found = offsets_.find(name);
  return found == offsets_.end() ? nullptr : blob + found->second;
}

StepExtents StepBuffers::Fill(const StepPlan& plan) {
  FillTokens(plan);
  for (size_t s = 0; s < plan.sequences.size(); ++s) FillSequence(plan.sequences[s], static_cast<int>(s));
  for (size_t row = 0; row < plan.rows.size(); ++row) sampled_rows_[row] = plan.rows[row].input;
  // The adjustments come behind these, have most of the blob, and are hardly used.
  std::byte* const adjustments = AddressIn(blob_.host(), "adjustments");
  const std::byte* const end = sampling_.Fill(plan, AddressIn(blob_.host(), "sampling_rows"), adjustments);
  used_bytes_ = end - blob_.host();
  masked_rows_ = 0;
  for (size_t row = 0; row < plan.rows.size(); ++row) {
    if (plan.sequences[plan.rows[row].sequence].sequence->constrained) masked_rows_ = row + 1;
  }
  const StepExtents extents = rounds_up_ ? RoundedUp(plan.extents) : plan.extents;
  FillSurplus(plan.extents, extents);
  return extents;
}

// Masks lie behind the room for adjustments, and few steps have any.
absl::Status StepBuffers::Upload(Stream& stream, int rank) const {
  RETURN_IF_ERROR(stream.Copy(BlobOf(rank), blob_.host(), used_bytes_));
  if (masked_rows_ == 0) return absl::OkStatus();
  const auto bytes = static_cast<int64_t>(masked_rows_ * mask_words_ * sizeof(uint32_t));
  const int64_t begin = offsets_.find("token_masks")->second;
  return stream.Copy(BlobOf(rank) + begin, blob_.host() + begin, bytes);
}

// Decoding steps come in few sizes then, and each size soon is one that has been run before.
StepExtents StepBuffers::RoundedUp(const StepExtents& extents) const {
  if (extents.decode_sequences != extents.tokens || extents.sampled != extents.tokens) return extents;
  const auto up = [](int count, int most) {
    return std::min(most, static_cast<int>(std::bit_ceil(static_cast<unsigned>(count))));
  };
  const int rows = up(extents.tokens, std::min({limits_.max_tokens, limits_.max_sequences, limits_.max_sampled}));
  const int most_context = static_cast<int>(groups_.front().width * kBlockTokens);
  return {.tokens = rows,
          .sequences = rows,
          .sampled = rows,
          .decode_sequences = rows,
          .max_query = extents.max_query,
          .max_context = up(std::max(extents.max_context, 256), most_context)};
}

// Tokens of sequences without a context.
void StepBuffers::FillSurplus(const StepExtents& begin, const StepExtents& end) {
  for (int t = begin.tokens; t < end.tokens; ++t) {
    tokens_[t] = positions_[t] = 0;
    for (const GroupInputs& group : groups_) group.slots[t] = -1;
  }
  for (int s = begin.sequences; s < end.sequences; ++s) {
    query_start_[s] = s;
    query_length_[s] = context_length_[s] = 0;
  }
  auto* const rows = reinterpret_cast<SamplingRow*>(AddressIn(blob_.host(), "sampling_rows"));
  for (int r = begin.sampled; r < end.sampled; ++r) {
    sampled_rows_[r] = r;
    rows[r] = {.temperature = 0};
  }
}

// The embedding reads a negative token as a row of the previous step's samples (ops/embedding.h).
void StepBuffers::FillTokens(const StepPlan& plan) {
  for (size_t t = 0; t < plan.tokens.size(); ++t) {
    const TokenInput& input = plan.tokens[t];
    tokens_[t] = input.row == TokenInput::kKnown ? input.id : -1 - input.row;
  }
}

void StepBuffers::FillSequence(const ScheduledSequence& part, int index) {
  query_start_[index] = part.first_input;
  query_length_[index] = part.num_tokens;
  context_length_[index] = static_cast<int32_t>(part.first_position + part.num_tokens);
  for (int t = 0; t < part.num_tokens; ++t) {
    positions_[part.first_input + t] = static_cast<int32_t>(part.first_position + t);
  }
  for (size_t g = 0; g < groups_.size(); ++g) FillGroup(part, index, part.sequence->blocks.tables[g], groups_[g]);
}

void StepBuffers::FillGroup(const ScheduledSequence& part, int index, const BlockTable& table,
                            const GroupInputs& group) {
  for (int t = 0; t < part.num_tokens; ++t) {
    const int64_t position = part.first_position + t;
    const int32_t block = table[position / kBlockTokens];
    group.slots[part.first_input + t] =
        block == kNullBlock
            ? -1
            : static_cast<int32_t>(BlockInPool(block, group.layers) * kBlockTokens + position % kBlockTokens);
  }
  const int64_t used = std::min<int64_t>(group.width, static_cast<int64_t>(table.size()));
  int32_t* out = group.block_table + index * group.width;
  for (int64_t i = 0; i < used; ++i) out[i] = table[i] == kNullBlock ? kNullBlock : BlockInPool(table[i], group.layers);
}

}  // namespace engine
