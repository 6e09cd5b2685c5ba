// Which tokens top_k and top_p keep, without sorting the vocabulary (ops/sample.h, step 5).
#pragma once

#include <cstdint>
#include <span>

namespace engine::cpu {

// Adjusted logits, the largest of them, and their weights exp((logit - max) / temperature).
struct WeighedLogits {
  std::span<const float> logits;
  std::span<const float> weights;
  float max;
  float temperature;

  // In units of 2^-40.
  uint64_t integer(int64_t id) const;
};

// Tokens by falling logit, equals by rising id, end with this one.
struct Cut {
  float logit;
  int32_t id;
  bool Keeps(float other, int32_t other_id) const { return other > logit || (other == logit && other_id <= id); }
};
extern const Cut kKeepAll;

// The tokens that remain, up to tokens that weigh 0 and so are never drawn. top_k 0: no limit; top_p 1: no limit.
// `ids` has room for as many as there are logits.
Cut KeepLikeliest(const WeighedLogits& tokens, int32_t top_k, float top_p, std::span<int32_t> ids);

}  // namespace engine::cpu
