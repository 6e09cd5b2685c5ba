#include "models/rope_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nlohmann/json.hpp"

namespace engine {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

// Long wavelengths are stretched by the whole factor, short ones not at all, those between blended.
double Llama3Frequency(const RopeConfig& c, double frequency) {
  const double wavelength = kTwoPi / frequency;
  const double low_wavelength = c.original_max_position / c.low_frequency_factor;
  const double high_wavelength = c.original_max_position / c.high_frequency_factor;
  if (wavelength < high_wavelength) return frequency;
  if (wavelength > low_wavelength) return frequency / c.factor;
  const double smooth = (c.original_max_position / wavelength - c.low_frequency_factor) /
                        (c.high_frequency_factor - c.low_frequency_factor);
  return (1 - smooth) * frequency / c.factor + smooth * frequency;
}

// The (fractional) dimension pair that turns `rotations` times within the original context.
double YarnDimension(const RopeConfig& c, double rotations) {
  return c.rotary_dim * std::log(c.original_max_position / (rotations * kTwoPi)) / (2 * std::log(c.theta));
}

double YarnFrequency(const RopeConfig& c, int i, double frequency) {
  double low = YarnDimension(c, c.beta_fast);
  double high = YarnDimension(c, c.beta_slow);
  if (c.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, c.rotary_dim - 1.0);
  if (low == high) high += 0.001;  // avoids 0/0 where the ramp is a step
  const double stretched = std::clamp((i - low) / (high - low), 0.0, 1.0);
  return frequency / c.factor * stretched + frequency * (1 - stretched);
}

double YarnMagnitude(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

void ParseYarn(ConfigReader& scaling, RopeConfig& rope) {
  rope.scaling = RopeScaling::kYarn;
  rope.beta_fast = scaling.NumberOr("beta_fast", 32);
  rope.beta_slow = scaling.NumberOr("beta_slow", 1);
  rope.truncate = scaling.FlagOr("truncate", true);
  const double mscale = scaling.NumberOr("mscale", 0);
  const double mscale_all_dim = scaling.NumberOr("mscale_all_dim", 0);
  const double by_default = mscale != 0 && mscale_all_dim != 0
                                ? YarnMagnitude(rope.factor, mscale) / YarnMagnitude(rope.factor, mscale_all_dim)
                                : YarnMagnitude(rope.factor, 1);
  rope.attention_factor = scaling.NumberOr("attention_factor", by_default);
  if (scaling.Has("original_max_position_embeddings")) {
    rope.reach = std::floor(rope.original_max_position * rope.factor);
  }
}

void ParseScaling(ConfigReader& scaling, double max_position, RopeConfig& rope) {
  const std::string type = scaling.TextOr("rope_type", scaling.TextOr("type", "default"));
  const bool stated = scaling.Has("rope_type") || scaling.Has("type");
  if (!stated && scaling.Has("factor")) {
    scaling.Fail(InvalidArgument("%s: the rope scaling has a factor and no rope_type; state linear, llama3 or yarn",
                                 scaling.what()));
  }
  if (type == "default") return;
  rope.factor = scaling.Number("factor");
  rope.original_max_position = scaling.NumberOr("original_max_position_embeddings", max_position);
  if (type == "linear") {
    rope.scaling = RopeScaling::kLinear;
  } else if (type == "llama3") {
    rope.scaling = RopeScaling::kLlama3;
    rope.low_frequency_factor = scaling.Number("low_freq_factor");
    rope.high_frequency_factor = scaling.Number("high_freq_factor");
  } else if (type == "yarn") {
    ParseYarn(scaling, rope);
  } else {
    scaling.Fail(Unimplemented("%s: rope type \"%s\" is not supported; default, linear, llama3 and yarn are",
                               scaling.what(), type));
  }
  const bool usable = rope.factor > 0 && (rope.scaling == RopeScaling::kLinear || rope.original_max_position > 0) &&
                      (rope.scaling != RopeScaling::kLlama3 || rope.high_frequency_factor > rope.low_frequency_factor);
  if (!usable) scaling.Fail(InvalidArgument("%s: the rope scaling's factors contradict each other", scaling.what()));
}

}  // namespace

absl::StatusOr<RopeConfig> ParseRope(ConfigReader& config, int head_dim) {
  const bool version5 = config.Has("rope_parameters");
  ConfigReader scaling(config.Object(version5 ? "rope_parameters" : "rope_scaling"), config.what());
  RopeConfig rope;
  rope.theta = scaling.NumberOr("rope_theta", config.NumberOr("rope_theta", 10000));
  const double rotated = scaling.NumberOr("partial_rotary_factor", config.NumberOr("partial_rotary_factor", 1));
  rope.rotary_dim = rotated > 0 && rotated <= 1 ? static_cast<int>(head_dim * rotated) : 0;
  ParseScaling(scaling, config.NumberOr("max_position_embeddings", 0), rope);
  RETURN_IF_ERROR(config.status());
  RETURN_IF_ERROR(scaling.status());
  if (!(rope.theta > 1)) return InvalidArgument("%s: rope_theta is %g; it must exceed 1", config.what(), rope.theta);
  if (rope.rotary_dim < 2 || rope.rotary_dim > head_dim || rope.rotary_dim % 2 != 0) {
    return InvalidArgument(
        "%s: a share of %g of the %d dimensions of a head rotates; it must make an even number from 2 on",
        config.what(), rotated, head_dim);
  }
  return rope;
}

std::vector<double> RopeFrequencies(const RopeConfig& config) {
  std::vector<double> frequencies(config.rotary_dim / 2);
  for (int i = 0; i < config.rotary_dim / 2; ++i) {
    double frequency = std::pow(config.theta, -2.0 * i / config.rotary_dim);
    if (config.scaling == RopeScaling::kLinear) frequency /= config.factor;
    if (config.scaling == RopeScaling::kLlama3) frequency = Llama3Frequency(config, frequency);
    if (config.scaling == RopeScaling::kYarn) frequency = YarnFrequency(config, i, frequency);
    if (!config.divisors.empty()) frequency /= config.divisors[i];
    frequencies[i] = frequency;
  }
  return frequencies;
}

void ComputeRopeTable(const RopeConfig& config, int64_t first_position, std::span<float> rows) {
  const std::vector<double> frequencies = RopeFrequencies(config);
  const size_t half = frequencies.size();
  for (size_t p = 0; 2 * half * p < rows.size(); ++p) {
    const std::span<float> row = rows.subspan(2 * half * p, 2 * half);
    const auto position = static_cast<double>(first_position + static_cast<int64_t>(p));
    for (size_t i = 0; i < half; ++i) {
      const double angle = position * frequencies[i];
      row[i] = static_cast<float>(std::cos(angle) * config.attention_factor);
      row[half + i] = static_cast<float>(std::sin(angle) * config.attention_factor);
    }
  }
}

}  // namespace engine
