// A program on a GPU: y = (x + x) + x, on a device and a stream of its own.
#pragma once

#include <cstdint>
#include <memory>

#include "backends/gpu/gpu_stream.h"
#include "core/device/staged_buffer.h"
#include "core/graph/program.h"

namespace engine::gpu {

class Tripling {
 public:
  static constexpr int kTokens = 40;
  static constexpr int kColumns = 7;
  static constexpr int64_t kBytes = int64_t{kTokens} * kColumns * int64_t{sizeof(float)};

  explicit Tripling(std::unique_ptr<GpuDriver> driver);

  // Of rows full of x, of which `tokens` are computed, to the end.
  absl::Status Run(int tokens, float x);
  absl::Status RunExtents(const StepExtents& extents) { return stream_->Run(*program_, extents); }
  float At(int row) const { return reinterpret_cast<const float*>(y_.host())[row * kColumns]; }
  int num_replayed() const { return static_cast<GpuStream&>(*stream_).num_replayed(); }
  Stream& stream() { return *stream_; }
  void FreeArena() { arena_ = Buffer(); }

 private:
  std::unique_ptr<GpuDevice> device_;
  std::unique_ptr<Program> program_;  // stays where it is
  StagedBuffer x_, y_;
  Buffer arena_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace engine::gpu
