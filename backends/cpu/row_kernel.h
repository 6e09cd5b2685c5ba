// Kernels of ops whose rows do not depend on each other: rows are shared out among the workers.
#pragma once

#include <memory>
#include <utility>

#include "core/kernel/kernel.h"

namespace engine::cpu {

// Body: `void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const` computes rows [begin, end) alone.
template <typename Body>
class RowKernel : public Kernel {
 public:
  // `leading` is the dimension that says how many rows a step has.
  RowKernel(int64_t leading, Body body) : leading_(leading), body_(std::move(body)) {}

  // Rows are taken one by one where they are not shared out in advance: even a short row is worth a queue access.
  void Launch(const LaunchArgs& args) const override {
    args.worker.ForEach(Resolve(leading_, args.extents), 1,
                        [&](int64_t begin, int64_t end) { body_(args, begin, end); });
  }

  bool is_solo(const StepExtents& extents) const override { return Resolve(leading_, extents) <= 1; }

 private:
  int64_t leading_;
  Body body_;
};

template <typename Body>
std::unique_ptr<Kernel> MakeRowKernel(int64_t leading, Body body) {
  return std::make_unique<RowKernel<Body>>(leading, std::move(body));
}

}  // namespace engine::cpu
