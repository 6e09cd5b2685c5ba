#include "benchmarks/row_op_loads.h"

#include <numeric>

#include "absl/strings/str_format.h"
#include "ops/add.h"
#include "ops/add_rms_norm.h"
#include "ops/gather_rows.h"
#include "ops/head_rms_norm.h"
#include "ops/qk_norm_rope.h"
#include "ops/quantise.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/sample.h"
#include "ops/silu_mul.h"

namespace engine {
namespace {

constexpr int kHeads = 16;
constexpr int kHeadDim = 128;
constexpr int64_t kPositions = 4096;
constexpr int64_t kPromptTokens = 512;
constexpr int64_t kHiddenWidths[] = {1024, 2048};
constexpr int64_t kMlpWidths[] = {3072, 6144};
constexpr int kVocab = 151936;
constexpr int64_t kMostSampledRows = 16;

LoadInput Vector(int64_t size) { return {.spec = {DType::kF32, {size}}, .rows = size, .bytes = {}}; }

LoadInput Rows(int64_t columns, int64_t rows) {
  return {.spec = {DType::kF32, {kTokens, columns}}, .rows = rows, .bytes = {}};
}

template <typename T>
std::vector<std::byte> BytesOf(const std::vector<T>& values) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

// An op over rows of f32 with these inputs.
template <typename Op>
OpLoad RowOp(const Op& op, std::string_view format, std::string shape, int64_t rows, std::vector<LoadInput> in) {
  return {.op = OpRef(SchemaOf(op), op),
          .format = std::string(format),
          .shape = std::move(shape),
          .rows = rows,
          .extents = {.tokens = static_cast<int>(rows)},
          .in = std::move(in),
          .work = {}};
}

// `inputs` tensors of f32[rows, width], and a weight of that width if `has_weight`.
template <typename Op>
std::vector<OpLoad> WidthLoads(const OpSelection& selection, const Op& op, DType out, std::span<const int64_t> widths,
                               int inputs, bool has_weight) {
  std::vector<OpLoad> loads;
  for (const int64_t width : widths) {
    for (const int64_t rows : selection.rows) {
      std::vector<LoadInput> in(inputs, Rows(width, rows));
      if (has_weight) in.push_back(Vector(width));
      loads.push_back(RowOp(op, Name(out), absl::StrFormat("d%d", width), rows, std::move(in)));
    }
  }
  return loads;
}

template <typename Op>
std::vector<OpLoad> HeadLoads(const OpSelection& selection, const Op& op, bool has_weight) {
  std::vector<OpLoad> loads;
  for (const int64_t rows : selection.rows) {
    std::vector<int32_t> positions(rows);
    for (int64_t t = 0; t < rows; ++t) positions[t] = static_cast<int32_t>(t % kPositions);
    std::vector<LoadInput> in = {
        Rows(kHeads * kHeadDim, rows),
        {.kind = LoadInput::Kind::kBytes, .spec = {DType::kI32, {kTokens}}, .rows = rows, .bytes = BytesOf(positions)},
        {.spec = {DType::kF32, {kPositions, kHeadDim}}, .rows = kPositions, .bytes = {}}};
    if (has_weight) in.push_back(Vector(kHeadDim));
    loads.push_back(RowOp(op, Name(op.out), absl::StrFormat("%dx%d", kHeads, kHeadDim), rows, std::move(in)));
  }
  return loads;
}

OpLoad Sampling(std::string_view name, const SamplingRow& row, int64_t rows) {
  constexpr int64_t mask_bytes = TokenMaskWords(kVocab) * 4;
  OpLoad load = RowOp(Sample{.vocab = kVocab}, "f32", absl::StrFormat("vocab%d %s", kVocab, name), rows,
                      {{.spec = {DType::kF32, {kSampled, kVocab}}, .rows = rows, .bytes = {}},
                       {.kind = LoadInput::Kind::kBytes,
                        .spec = {DType::kU8, {kSampled, sizeof(SamplingRow)}},
                        .rows = rows,
                        .bytes = BytesOf(std::vector(rows, row))},
                       {.kind = LoadInput::Kind::kBytes,
                        .spec = {DType::kU8, {1, sizeof(TokenAdjustment)}},
                        .rows = 1,
                        .bytes = std::vector<std::byte>(sizeof(TokenAdjustment))},
                       {.kind = LoadInput::Kind::kBytes,
                        .spec = {DType::kU8, {kSampled, mask_bytes}},
                        .rows = rows,
                        .bytes = std::vector<std::byte>(rows * mask_bytes)}});
  load.extents = {.sampled = static_cast<int>(rows)};
  return load;
}

}  // namespace

std::vector<OpLoad> QkNormRopeLoads(const OpSelection& selection) {
  return HeadLoads(selection, QkNormRope{.heads = kHeads, .head_dim = kHeadDim, .rotary_dim = kHeadDim}, true);
}

std::vector<OpLoad> RopeLoads(const OpSelection& selection) {
  return HeadLoads(selection, Rope{.heads = kHeads, .head_dim = kHeadDim, .rotary_dim = kHeadDim}, false);
}

std::vector<OpLoad> RmsNormLoads(const OpSelection& selection) {
  return WidthLoads(selection, RmsNorm{.out = DType::kQ8Group}, DType::kQ8Group, kHiddenWidths, 1, true);
}

std::vector<OpLoad> AddRmsNormLoads(const OpSelection& selection) {
  return WidthLoads(selection, AddRmsNorm{.out = DType::kQ8Group}, DType::kQ8Group, kHiddenWidths, 2, true);
}

std::vector<OpLoad> QuantiseLoads(const OpSelection& selection) {
  return WidthLoads(selection, Quantise{}, DType::kQ8Group, kHiddenWidths, 1, false);
}

std::vector<OpLoad> SiluMulLoads(const OpSelection& selection) {
  return WidthLoads(selection, SiluMul{.out = DType::kQ8Group}, DType::kQ8Group, kMlpWidths, 2, false);
}

std::vector<OpLoad> HeadRmsNormLoads(const OpSelection& selection) {
  const HeadRmsNorm op{.heads = kHeads, .head_dim = kHeadDim};
  std::vector<OpLoad> loads;
  for (const int64_t rows : selection.rows) {
    loads.push_back(RowOp(op, "f32", absl::StrFormat("%dx%d", kHeads, kHeadDim), rows,
                          {Rows(kHeads * kHeadDim, rows), Vector(kHeadDim)}));
  }
  return loads;
}

std::vector<OpLoad> AddLoads(const OpSelection& selection) {
  return WidthLoads(selection, Add{}, DType::kF32, kHiddenWidths, 2, false);
}

// The last rows of a prompt of that many tokens.
std::vector<OpLoad> GatherRowsLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  for (const int64_t width : kHiddenWidths) {
    for (const int64_t rows : selection.rows) {
      if (rows > kMostSampledRows) continue;
      std::vector<int32_t> indices(rows);
      std::iota(indices.begin(), indices.end(), static_cast<int32_t>(kPromptTokens - rows));
      loads.push_back(RowOp(GatherRows{}, "f32", absl::StrFormat("d%d", width), rows,
                            {Rows(width, kPromptTokens),
                             {.kind = LoadInput::Kind::kBytes,
                              .spec = {DType::kI32, {kSampled}},
                              .rows = rows,
                              .bytes = BytesOf(indices)}}));
      loads.back().extents = {.tokens = static_cast<int>(kPromptTokens), .sampled = static_cast<int>(rows)};
    }
  }
  return loads;
}

std::vector<OpLoad> SampleLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  for (const int64_t rows : selection.rows) {
    if (rows > kMostSampledRows) continue;
    loads.push_back(Sampling("greedy", {.temperature = 0.0f}, rows));
    loads.push_back(Sampling("top_p", {.temperature = 0.8f, .top_p = 0.95f, .top_k = 40, .seed = 1}, rows));
  }
  return loads;
}

}  // namespace engine
