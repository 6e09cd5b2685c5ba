// How a kernel's host half enqueues its function: the only place that knows which stream it is given.
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "backends/gpu/gpu_stream.h"
#include "core/base/check.h"
#include "core/base/round_up.h"
#include "core/kernel/kernel.h"

namespace engine::gpu {

// `args` is the struct that the kernel was written for. An empty grid enqueues nothing; an error sticks to the stream.
template <typename Args>
void Enqueue(const LaunchArgs& launch, const KernelInstance& kernel, const GpuGrid& grid, const Args& args) {
  static_assert(std::is_trivially_copyable_v<Args>);
  ENGINE_CHECK(launch.stream != nullptr && kernel.args_bytes == sizeof(Args));
  static_cast<GpuStream&>(*launch.stream).Enqueue(kernel, grid, &args);
}

// By the vendor's library, where the device has one. False if it has no algorithm for the sizes: nothing is enqueued then.
inline bool EnqueueProduct(const LaunchArgs& launch, const GpuProduct& product) {
  ENGINE_CHECK(launch.stream != nullptr);
  return static_cast<GpuStream&>(*launch.stream).Multiply(product);
}

// Rows that this step has of a tensor.
inline int64_t RowsOf(const Tensor& tensor, const LaunchArgs& launch) {
  return Resolve(tensor.spec->shape.leading(), launch.extents);
}

// fn(first, count) for the rows of out[0], at most `most` at a time, so that what waits in scratch is of so many.
template <typename Fn>
void ForEachSlice(const LaunchArgs& launch, int64_t most, Fn&& fn) {
  const int64_t rows = RowsOf(launch.out[0], launch);
  for (int64_t first = 0; first < rows; first += most) fn(first, std::min(rows - first, most));
}

// A kernel that is one function of its launch, `launch(const LaunchArgs&)`, without scratch.
template <typename Fn>
std::unique_ptr<Kernel> MakeKernel(Fn launch) {
  class FunctionKernel : public Kernel {
   public:
    explicit FunctionKernel(Fn fn) : fn_(std::move(fn)) {}
    void Launch(const LaunchArgs& args) const override { fn_(args); }

   private:
    Fn fn_;
  };
  return std::make_unique<FunctionKernel>(std::move(launch));
}

}  // namespace engine::gpu
