// Tokens that may follow the last known one of a sequence, and how often such proposals were right.
//
// A proposal has evidence: a class whose members are right about equally often, such as the length of the context that
// was found again. What is learnt of a class decides how many proposals are worth verifying. Those that are not
// verified teach as well: the next token says whether the first of them was right.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace engine {

struct Draft {
  // With the token before them 16 rows: a step of one drafting sequence stays within the small-batch kernels.
  static constexpr int kMaxTokens = 15;
  static constexpr int kNumClasses = 8;

  std::array<int32_t, kMaxTokens> tokens = {};    // of the model's vocabulary
  std::array<uint8_t, kMaxTokens> evidence = {};  // class of each token, given that those before it are right
  int size = 0;                                   // tokens proposed
  int verify = 0;                                 // of those, the first ones, verified by the next step
};

// The class of a measure of evidence: the last one whose least value, in `least`, it reaches. It reaches the first.
template <typename Measure>
uint8_t ClassOf(Measure measure, const std::array<Measure, Draft::kNumClasses>& least) {
  return static_cast<uint8_t>(std::ranges::upper_bound(least, measure) - least.begin() - 1);
}

// How often the proposals for one sequence were right, recent ones counting most.
class DraftRecord {
 public:
  void Count(uint8_t evidence, bool right) {
    constexpr float kKeep = 31.0f / 32;  // the last 32 outcomes of a class make up two thirds of its estimate
    for (Class* c : {&classes_[evidence], &all_}) {
      c->right = c->right * kKeep + (right ? 1.0f : 0.0f);
      c->total = c->total * kKeep + 1.0f;
    }
  }

  // Between 0 and 1. `prior` weighs as much as four outcomes.
  float ChanceOf(uint8_t evidence, float prior) const { return classes_[evidence].Chance(prior); }

  // Of any proposal, before it is made.
  float MeanChance(float prior) const { return all_.Chance(prior); }

 private:
  struct Class {
    float right = 0;
    float total = 0;

    float Chance(float prior) const {
      constexpr float kPriorWeight = 4;
      return (right + kPriorWeight * prior) / (total + kPriorWeight);
    }
  };
  std::array<Class, Draft::kNumClasses> classes_ = {};
  Class all_;
};

}  // namespace engine
