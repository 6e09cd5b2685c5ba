// One op with the sizes and the step that `engine bench ops` times it in: a value, without memory.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "benchmarks/roof.h"
#include "core/kernel/op.h"

namespace engine {

struct LoadInput {
  enum class Kind : uint8_t {
    kNumbers,  // a step's activations: the same in every launch, so that caches hold what they hold in a model
    kWeight,   // packed as the kernel wants; every launch has another copy, until they exceed the last cache
    kCache,    // the same with keys and values
    kBytes,    // `bytes` as they are
  };

  Kind kind = Kind::kNumbers;
  TensorSpec spec;   // a weight's layout is open
  int64_t rows = 0;  // in this step, or of the cache
  std::vector<std::byte> bytes;
};

struct OpLoad {
  OpRef op;
  std::string format;  // of weights or cache: "q4_0"
  std::string shape;   // "n2048 k1024", "16/8x128 @4096"
  int64_t rows = 0;    // of the op's leading dimension
  StepExtents extents;
  std::vector<LoadInput> in;
  Limit limit = Limit::kF32Fmas;  // of its operations
  Cost work;                      // least, of one launch

  std::string name() const;  // "linear q4_0 n2048 k1024 r4"
  std::vector<TensorSpec> in_specs() const;
};

}  // namespace engine
