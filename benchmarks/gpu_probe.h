// What a GPU can do at this moment, in the instructions that our kernels use: loads of 16 bytes, products of int8 and of bf16
// on matrix units, fused multiply-adds of f32.
#pragma once

#include <array>
#include <memory>

#include "core/device/buffer.h"
#include "core/device/device.h"

namespace engine {

enum class GpuLimit { kRead, kInt8, kBf16, kF32 };

class GpuProbe {
 public:
  // `device` is a GPU or SIMT. Allocates `bytes`, more than its caches hold, to read.
  static absl::StatusOr<std::unique_ptr<GpuProbe>> Create(Device& device, int64_t bytes);

  // Bytes or operations per second, measured over one to four milliseconds; the first call for a limit finds out how much
  // that is.
  absl::StatusOr<double> Measure(GpuLimit limit);

 private:
  struct Amount {
    int64_t blocks = 16;
    int64_t launches = 1;
    bool is_enough = false;
  };

  GpuProbe(Buffer buffer, std::unique_ptr<Stream> stream) : buffer_(std::move(buffer)), stream_(std::move(stream)) {}
  absl::StatusOr<double> Seconds(GpuLimit limit, const Amount& amount);
  int64_t most_blocks(GpuLimit limit) const;

  Buffer buffer_;
  std::unique_ptr<Stream> stream_;
  std::array<Amount, 4> amounts_;
};

}  // namespace engine
