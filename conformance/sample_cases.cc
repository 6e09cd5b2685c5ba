#include <algorithm>
#include <limits>
#include <random>

#include "conformance/cases.h"
#include "conformance/test_data.h"
#include "ops/sample.h"

namespace engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Every parameter alone and a few together, over several rows and vocabularies.
std::vector<SamplingRow> ManyRows() {
  std::vector<SamplingRow> rows = {
      {.temperature = 0.0f},
      {.temperature = 0.0f, .num_logprobs = 0},
      {.temperature = 0.0f, .num_logprobs = 20},
      {.temperature = 1.0f, .seed = 1},
      {.temperature = 0.7f, .num_logprobs = 5, .seed = 2},
      {.temperature = 1e-30f, .seed = 3},
      {.temperature = 50.0f, .seed = 4},
      {.temperature = 1.0f, .top_k = 1, .seed = 5},
      {.temperature = 1.0f, .top_k = 7, .seed = 6},
      {.temperature = 1.0f, .top_p = 0.9f, .seed = 7},
      {.temperature = 1.0f, .top_p = 0.0f, .seed = 8},
      {.temperature = 2.0f, .min_p = 0.2f, .seed = 9},
      {.temperature = 1.0f, .min_p = 1.0f, .seed = 10},
      {.temperature = 0.8f, .top_p = 0.95f, .min_p = 0.05f, .top_k = 40, .num_logprobs = 3, .seed = 11},
      {.temperature = 0.8f, .top_p = 0.5f, .top_k = 1000000, .seed = 12},
  };
  for (int position = 0; position < 12; ++position) {
    rows.push_back({.temperature = 1.5f, .top_p = 0.99f, .seed = 99, .choice = position % 3, .position = position});
  }
  return rows;
}

CaseInput RowInput(const std::vector<SamplingRow>& rows) {
  return {.spec = {DType::kU8, {kSampled, sizeof(SamplingRow)}}, .data = BytesOf(rows)};
}

CaseInput AdjustmentInput(const std::vector<TokenAdjustment>& adjustments) {
  const auto count = static_cast<int64_t>(adjustments.size());
  return {.spec = {DType::kU8, {count, sizeof(TokenAdjustment)}}, .data = BytesOf(adjustments)};
}

CaseInput MaskInput(int vocab, std::vector<uint32_t> masks) {
  return {.spec = {DType::kU8, {kSampled, static_cast<int64_t>(TokenMaskWords(vocab) * sizeof(uint32_t))}},
          .data = BytesOf(masks)};
}

// Without masks, as most steps are.
OpCase Make(const std::string& name, int vocab, CaseInput logits, const std::vector<SamplingRow>& rows,
            const std::vector<TokenAdjustment>& adjustments) {
  return {.name = name,
          .op = OpRef(SchemaOf(Sample{}), Sample{.vocab = vocab}),
          .in = {std::move(logits), RowInput(rows), AdjustmentInput(adjustments),
                 MaskInput(vocab, std::vector<uint32_t>(rows.size() * TokenMaskWords(vocab)))},
          .largest = {.sampled = static_cast<int>(rows.size())}};
}

NamedCase Parameters(int vocab, int64_t padded_vocab, Values values) {
  const std::string name = "vocab" + std::to_string(vocab);
  return {name, [=] {
            const std::vector<SamplingRow> rows = ManyRows();
            TestData data(vocab);
            const auto count = static_cast<int64_t>(rows.size());
            CaseInput logits = data.Rows(DType::kF32, kSampled, count, padded_vocab, values);
            // The padding would win every draw.
            for (int64_t m = 0; m < count; ++m) {
              for (int64_t i = vocab; i < padded_vocab; ++i) {
                reinterpret_cast<float*>(logits.data.data())[m * padded_vocab + i] = 1e30f;
              }
            }
            return Make(name, vocab, std::move(logits), rows, {{}});
          }};
}

// Equal logits, forbidden tokens, rows with nothing left, and logits that are not finite.
NamedCase Edges() {
  return {
      "edges", [] {
        constexpr int kVocab = 20;
        std::vector<SamplingRow> rows(8);
        for (int m = 0; m < 8; ++m) {
          rows[m] = {
              .temperature = m % 2 == 0 ? 0.0f : 1.0f, .top_k = 5, .num_logprobs = 4, .seed = static_cast<uint64_t>(m)};
        }
        std::vector<float> logits(8 * kVocab, 0.25f);
        logits[2 * kVocab + 7] = std::numeric_limits<float>::quiet_NaN();
        logits[3 * kVocab + 19] = kInfinity;
        std::fill_n(logits.begin() + 4 * kVocab, kVocab, -kInfinity);
        logits[5 * kVocab + 3] = -kInfinity;
        std::vector<TokenAdjustment> adjustments;
        for (int token = 0; token < kVocab; ++token) adjustments.push_back({.token = token, .bias = -kInfinity});
        rows[6].adjustments_end = kVocab;      // nothing is left
        rows[7].adjustments_end = kVocab - 1;  // one token is left
        CaseInput input = {.spec = {DType::kF32, {kSampled, kVocab}}, .data = BytesOf(logits)};
        return Make("edges", kVocab, std::move(input), rows, adjustments);
      }};
}

// Penalties and biases, ids beyond the vocabulary among them.
NamedCase Adjusted(float temperature) {
  const std::string name = temperature == 0.0f ? "adjusted_greedy" : "adjusted_drawn";
  return {name, [=] {
            constexpr int kVocab = 333;
            constexpr int kRows = 17;
            TestData data(5);
            std::vector<SamplingRow> rows;
            std::vector<TokenAdjustment> adjustments;
            for (int m = 0; m < kRows; ++m) {
              const auto begin = static_cast<int32_t>(adjustments.size());
              for (int i = 0; i < m * 9; ++i) {
                adjustments.push_back({.token = i * 7 % 340,
                                       .bias = i % 11 == 0 ? -kInfinity : data.Number(Values::kNormal),
                                       .output_count = i % 4,
                                       .in_context = i % 3 == 0 ? 1 : 0});
              }
              rows.push_back({.temperature = temperature,
                              .repetition_penalty = 1.3f,
                              .presence_penalty = 0.5f,
                              .frequency_penalty = 0.25f,
                              .num_logprobs = m % 3,
                              .seed = 77,
                              .position = m,
                              .adjustments_begin = begin,
                              .adjustments_end = static_cast<int32_t>(adjustments.size())});
            }
            return Make(name, kVocab, data.Rows(DType::kF32, kSampled, kRows, 336, Values::kNormal), rows, adjustments);
          }};
}

// Masks of all, no, one and random tokens, with bits beyond the vocabulary, beside rows without and with adjustments. Of 70
// rows a GPU's blocks have more than one.
NamedCase Masked(int vocab, float temperature, int num_rows = 12) {
  const std::string name = absl::StrFormat("masked%d_%s", vocab, temperature == 0.0f ? "greedy" : "drawn");
  return {name, [=] {
            TestData data(vocab);
            std::mt19937 random(vocab);
            const int64_t words = TokenMaskWords(vocab);
            std::vector<SamplingRow> rows;
            std::vector<uint32_t> masks;
            for (int m = 0; m < num_rows; ++m) {
              rows.push_back({.temperature = temperature,
                              .top_p = m % 2 == 0 ? 1.0f : 0.8f,
                              .num_logprobs = 2,
                              .seed = 5,
                              .position = m,
                              .adjustments_end = std::min(m % 3, vocab),  // a token is adjusted once
                              .masked = m % 4 == 3 ? 0u : 1u});
              const auto one = static_cast<int64_t>(random() % vocab);
              for (int64_t w = 0; w < words; ++w) {
                const uint32_t kinds[] = {~0u,
                                          0u,
                                          w == one / 32 ? 1u << one % 32 : 0u,
                                          0u,
                                          static_cast<uint32_t>(random() & random()),
                                          random() % 3 == 0 ? ~0u : 0u};
                masks.push_back(kinds[m % 6]);
              }
            }
            OpCase made = Make(name, vocab, data.Rows(DType::kF32, kSampled, num_rows, vocab, Values::kNormal), rows,
                               {{.token = 0, .bias = -kInfinity}, {.token = vocab - 1, .bias = 2.0f}});
            made.in[3] = MaskInput(vocab, std::move(masks));
            return made;
          }};
}

}  // namespace

std::vector<NamedCase> SampleCases() {
  return {Parameters(1, 1, Values::kNormal),
          Parameters(5, 5, Values::kNormal),
          Parameters(40, 64, Values::kZeros),
          Parameters(257, 260, Values::kNormal),
          Parameters(333, 336, Values::kOutliers),
          Parameters(4999, 5000, Values::kNormal),
          Edges(),
          Adjusted(0.0f),
          Adjusted(1.0f),
          Masked(1, 1.0f),
          Masked(64, 0.0f),
          Masked(333, 0.0f),
          Masked(333, 1.0f, 70),
          Masked(5001, 1.0f)};
}

}  // namespace engine
