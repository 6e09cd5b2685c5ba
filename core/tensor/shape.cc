#include "core/tensor/shape.h"

#include "absl/strings/str_format.h"
#include "core/base/check.h"

namespace engine {
namespace {

std::string DimName(int64_t dim) {
  switch (dim) {
    case kTokens:
      return "tokens";
    case kSequences:
      return "sequences";
    case kSampled:
      return "sampled";
    case kBlocks:
      return "blocks";
    default:
      return absl::StrFormat("%d", dim);
  }
}

}  // namespace

Shape::Shape(std::initializer_list<int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  ENGINE_CHECK(dims.size() <= kMaxRank);
  int axis = 0;
  for (const int64_t dim : dims) {
    ENGINE_CHECK(dim >= 0 || axis == 0);
    dims_[axis++] = dim;
  }
}

int64_t Shape::row_elements() const {
  int64_t product = 1;
  for (int axis = 1; axis < rank_; ++axis) product *= dims_[axis];
  return product;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) text += (axis == 0 ? "" : ", ") + DimName(dims_[axis]);
  return text + "]";
}

}  // namespace engine
