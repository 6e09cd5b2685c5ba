// What a decode step costs by its rows, learnt from the steps that run: so it follows machine, model and context, and no
// time is spent on measuring alone.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

class StepCost {
 public:
  explicit StepCost(int max_rows) : points_(max_rows + 1) {}

  // A step of `rows` tokens, each with its logits, took `seconds`.
  void Observe(int rows, double seconds);

  // Seconds of a step of `rows`, at most max_rows; as long as no step was seen, in a unit of its own.
  double Of(int rows) const;

 private:
  struct Point {
    double seconds = 0;
    int64_t step = 0;  // when it was last seen
  };
  bool is_fresh(const Point& point) const;

  std::vector<Point> points_;  // by rows
  int64_t num_steps_ = 0;
};

}  // namespace engine
