// Results of `engine bench`, as a Markdown table, JSON or CSV.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/first_token.h"
#include "benchmarks/model_speed.h"

namespace engine {

struct SpeedTable {
  std::string model;
  std::string weight_format;
  uint64_t seed = 0;
  bool compares_numerics = false;  // rows of one test at several levels stand below each other
  std::vector<SpeedResult> rows;
  std::vector<std::pair<std::string, std::string>> missing;  // devices that could not be measured, and why
  std::optional<FirstTokenResult> first_token;
};

// `format` is md, json or csv; CSV leaves first_token out.
void PrintSpeed(const SpeedTable& table, const std::string& format);

}  // namespace engine
