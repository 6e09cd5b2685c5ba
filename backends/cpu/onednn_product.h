// Rows times one panel of 64 outputs by oneDNN. Behind this header no oneDNN type and no exception is seen.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "backends/cpu/isa/detect.h"
#include "backends/cpu/wide_layout.h"
#include "core/base/status.h"

namespace engine::cpu {

class OneDnnProduct {
 public:
  // Numbers of rows for which it has a primitive, largest first. More than the first add nothing at a width of 64 outputs.
  // Fewer than the last: the wide tiles read weights as fast, and so do 16 rows of AMX.
  static constexpr int kBlockRows[] = {128, 96, 64, 48, 32, 16};
  static constexpr int kNumBlocks = 6;
  static constexpr int kMinRows = 16;
  static constexpr int kMaxRows = 128;

  struct Shape {
    DType weight;  // and of the rows
    int64_t k;
    int workers;
    Isa isa;  // kAmx where the machine has none, as in tests: its best
  };
  // Declines when the library has no fast code for the shape on this machine, or would not run where we call it.
  static absl::StatusOr<std::unique_ptr<OneDnnProduct>> Create(const Shape& shape);
  ~OneDnnProduct();

  // Of one worker.
  int64_t scratch_bytes() const;

  struct Call {
    int worker;
    int block;               // index into kBlockRows
    const std::byte* rows;   // kBlockRows[block] rows of k elements
    const std::byte* panel;  // backends/cpu/wide_layout.h
    float* out;              // [kBlockRows[block]][64]
    std::byte* scratch;      // 64-byte aligned
  };
  // On the calling thread alone.
  void Run(const Call& call) const;

 private:
  struct Primitives;
  explicit OneDnnProduct(std::unique_ptr<Primitives> primitives);
  std::unique_ptr<Primitives> primitives_;
};

}  // namespace engine::cpu
