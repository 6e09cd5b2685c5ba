// Rotary position embedding: frequencies with the scalings that checkpoints ask for, and the table kernels read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/status.h"
#include "models/config_reader.h"

namespace engine {

enum class RopeScaling : uint8_t { kNone, kLinear, kLlama3, kYarn };

struct RopeConfig {
  double theta = 10000;
  int rotary_dim = 0;  // dimensions of a head that rotate, an even number
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1;
  double low_frequency_factor = 1;   // llama3
  double high_frequency_factor = 4;  // llama3
  double original_max_position = 0;  // llama3, yarn
  double beta_fast = 32;             // yarn
  double beta_slow = 1;              // yarn
  bool truncate = true;              // yarn: ramp limits rounded to whole dimensions
  double attention_factor = 1;       // yarn: cos and sin are multiplied by it
  double reach = 0;                  // yarn: positions after stretching, where the original ones are stated
  std::vector<float> divisors;       // GGUF's rope_freqs: frequency i is divided by divisors[i]
};

// Reads rope_theta, rope_scaling and rope_parameters (transformers 5), and partial_rotary_factor.
absl::StatusOr<RopeConfig> ParseRope(ConfigReader& config, int head_dim);

// rotary_dim / 2 frequencies in radians per position.
std::vector<double> RopeFrequencies(const RopeConfig& config);

// rows [positions, rotary_dim] from `first_position` on: cos of the rotary_dim / 2 angles, then sin; computed in double
// and rounded once.
void ComputeRopeTable(const RopeConfig& config, int64_t first_position, std::span<float> rows);

}  // namespace engine
