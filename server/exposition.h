// Prometheus' text format, version 0.0.4. Written here because what we have is a snapshot of plain values: a library would
// keep a second set of counters beside them and know nothing of histograms that are already filled.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "engine/engine_stats.h"

namespace engine {

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins the metric whose samples follow; type: gauge, counter, histogram.
  void Begin(std::string_view name, std::string_view type, std::string_view help);
  // `suffix` is written behind the metric's name.
  void Sample(const std::string& labels, double value, std::string_view suffix = "");
  void Samples(const std::string& labels, const Histogram& histogram);

  std::string TakeText() { return std::move(text_); }

  // `a="x",b="y"`, escaped.
  static std::string Join(Labels labels);

 private:
  std::string text_;
  std::string name_;
};

}  // namespace engine
