// Everything that decides which kernel runs an op.
#pragma once

#include <span>

#include "core/device/device.h"
#include "core/kernel/numerics.h"
#include "core/kernel/op.h"
#include "core/kernel/prepared_parts.h"

namespace engine {

// Rows of an op's own leading dimension, both ends included. A kernel prepares one variant per range.
struct RowRange {
  int64_t min;
  int64_t max;
};

struct Problem {
  const OpRef& op;
  std::span<const TensorSpec> in;  // weights may have kOpenLayout
  std::span<const TensorSpec> out;
  std::span<const RowRange> rows;  // ascending, contiguous from 1; zero rows are always legal
  Numerics level = Numerics::kInvariant;
  const DeviceInfo& device;
  PreparedParts* parts = nullptr;  // of the program; null for a kernel by itself

  int64_t max_rows() const { return rows.empty() ? 0 : rows.back().max; }
};

}  // namespace engine
