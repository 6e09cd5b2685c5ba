// Results of `engine bench ops`, as a Markdown table, JSON or CSV.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/op_speed.h"

namespace engine {

struct OpTable {
  std::string device;
  std::string isa;
  int threads = 0;
  std::vector<OpResult> rows;
};

// `format` is md, json or csv.
void PrintOps(const OpTable& table, const std::string& format);

}  // namespace engine
