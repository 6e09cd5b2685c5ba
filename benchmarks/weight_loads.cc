#include "benchmarks/weight_loads.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "ops/embedding.h"
#include "ops/gated_mlp.h"
#include "ops/linear.h"

namespace engine {
namespace {

constexpr DType kFormats[] = {DType::kQ4_0,  DType::kQ4_1,  DType::kQ5_0,   DType::kQ5_1,       DType::kQ8_0,
                              DType::kQ4_K,  DType::kQ5_K,  DType::kQ6_K,   DType::kIQ4_NL,     DType::kIQ4_XS,
                              DType::kW4G32, DType::kW4G64, DType::kW4G128, DType::kW4G128Bf16, DType::kW8,
                              DType::kBF16,  DType::kF16,   DType::kF32};

struct Matrix {
  int64_t n;
  int64_t k;
};
// Query, output and down projections of the 0.6B and the 1.7B model; their heads are below.
constexpr Matrix kProjections[] = {{2048, 1024}, {1024, 2048}, {1024, 3072}, {2048, 2048}, {2048, 6144}};
constexpr Matrix kUpProjections[] = {{3072, 1024}, {6144, 2048}};

// A head is measured in the formats it has in files, and for the few rows that are sampled.
constexpr Matrix kHead = {151936, 1024};
constexpr DType kHeadFormats[] = {DType::kQ4_0, DType::kQ8_0, DType::kQ6_K, DType::kBF16};
constexpr int64_t kMostHeadRows = 8;

std::vector<DType> FormatsOf(const OpSelection& selection, std::span<const DType> all) {
  std::vector<DType> formats;
  std::ranges::copy_if(all, std::back_inserter(formats), [&](DType format) {
    return selection.formats.empty() || std::ranges::find(selection.formats, format) != selection.formats.end();
  });
  return formats;
}

std::vector<Matrix> MatricesOf(const OpSelection& selection, std::span<const Matrix> all) {
  std::vector<Matrix> matrices;
  for (const auto& [n, k] : selection.shapes) matrices.push_back({n, k});
  if (matrices.empty()) matrices.assign(all.begin(), all.end());
  return matrices;
}

LoadInput WeightInput(DType format, const Matrix& matrix) {
  return {.kind = LoadInput::Kind::kWeight,
          .spec = {format, {matrix.n, matrix.k}, kOpenLayout},
          .rows = matrix.n,
          .bytes = {}};
}

// x and `weights` matrices of the same kind.
template <typename Op>
OpLoad Product(const Op& op, DType format, const Matrix& matrix, int weights, int64_t rows) {
  OpLoad load{.op = OpRef(SchemaOf(op), op),
              .format = std::string(Name(format)),
              .shape = absl::StrFormat("n%d k%d", matrix.n, matrix.k),
              .rows = rows,
              .extents = {.tokens = static_cast<int>(rows)},
              .in = {{.spec = {InputDType(op.input), {kTokens, matrix.k}}, .rows = rows, .bytes = {}}},
              .limit = DotLimit(format),
              .work = {}};
  for (int i = 0; i < weights; ++i) load.in.push_back(WeightInput(format, matrix));
  for (int i = 0; i < weights && NeedRowScales(format); ++i) {
    load.in.push_back({.spec = {DType::kF32, {matrix.n}}, .rows = matrix.n, .bytes = {}});
  }
  return load;
}

}  // namespace

std::vector<OpLoad> LinearLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  const auto add = [&](DType format, const Matrix& matrix, int64_t rows) {
    loads.push_back(Product(Linear{.input = InputFor(format)}, format, matrix, 1, rows));
  };
  for (const DType format : FormatsOf(selection, kFormats)) {
    for (const Matrix& matrix : MatricesOf(selection, kProjections)) {
      for (const int64_t rows : selection.rows) add(format, matrix, rows);
    }
  }
  if (!selection.shapes.empty()) return loads;
  for (const DType format : FormatsOf(selection, kHeadFormats)) {
    for (const int64_t rows : selection.rows) {
      if (rows <= kMostHeadRows) add(format, kHead, rows);
    }
  }
  return loads;
}

std::vector<OpLoad> GatedMlpLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  for (const DType format : FormatsOf(selection, kFormats)) {
    // What the down projection takes: its input's dtype.
    const LinearInput input = InputFor(format);
    for (const Matrix& matrix : MatricesOf(selection, kUpProjections)) {
      for (const int64_t rows : selection.rows) {
        loads.push_back(Product(GatedMlp{.input = input, .out = InputDType(input)}, format, matrix, 2, rows));
      }
    }
  }
  return loads;
}

// Tokens from all over the table, which rows are read from.
std::vector<OpLoad> EmbeddingLoads(const OpSelection& selection) {
  std::vector<OpLoad> loads;
  for (const DType format : FormatsOf(selection, kHeadFormats)) {
    for (const int64_t rows : selection.rows) {
      std::vector<int32_t> tokens(rows);
      for (int64_t t = 0; t < rows; ++t) tokens[t] = static_cast<int32_t>(t * 99991 % kHead.n);
      const std::span<const std::byte> bytes = std::as_bytes(std::span(tokens));
      loads.push_back({.op = OpRef(SchemaOf(Embedding{}), Embedding{}),
                       .format = std::string(Name(format)),
                       .shape = absl::StrFormat("n%d k%d", kHead.n, kHead.k),
                       .rows = rows,
                       .extents = {.tokens = static_cast<int>(rows), .sampled = 1},
                       .in = {{.kind = LoadInput::Kind::kBytes,
                               .spec = {DType::kI32, {kTokens}},
                               .rows = rows,
                               .bytes = {bytes.begin(), bytes.end()}},
                              WeightInput(format, kHead),
                              {.spec = {DType::kI32, {kSampled}}, .rows = 1, .bytes = {}}},
                       .work = {}});
    }
  }
  return loads;
}

}  // namespace engine
