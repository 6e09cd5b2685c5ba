// A tensor's dimensions, slowest first. The leading one may be a size known only at the step.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace engine {

// Leading dimensions that each step decides (StepExtents), and the size of a cache pool, decided by the memory plan.
inline constexpr int64_t kTokens = -1;
inline constexpr int64_t kSequences = -2;
inline constexpr int64_t kSampled = -3;
inline constexpr int64_t kBlocks = -4;

class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[axis]; }
  int64_t leading() const { return rank_ == 0 ? 1 : dims_[0]; }

  // Product of all dimensions but the leading one: the elements of one row.
  int64_t row_elements() const;

  bool operator==(const Shape&) const = default;
  std::string to_string() const;  // "[tokens, 576]"

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace engine
