// Prompts that mean nothing: the same ones everywhere for a seed.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

class RandomTokens {
 public:
  explicit RandomTokens(uint64_t seed) : state_(seed) {}

  // Ids below `vocab`, from a linear congruential generator: any tokens will do.
  std::vector<int32_t> Next(int count, int vocab) {
    std::vector<int32_t> tokens(count);
    for (int32_t& token : tokens) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      token = static_cast<int32_t>((state_ >> 33) % static_cast<uint64_t>(vocab));
    }
    return tokens;
  }

 private:
  uint64_t state_;
};

}  // namespace engine
