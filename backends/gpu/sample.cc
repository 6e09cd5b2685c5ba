#include "backends/gpu/sample.h"

#include <algorithm>

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/sample.h"

namespace engine::gpu {
namespace {

// Rows sampled at a time. Each has 8 bytes per token of the vocabulary in scratch, 64 MiB in all for 128 Ki tokens.
constexpr int64_t kMaxBlocks = 64;

class SampleRows : public Kernel {
 public:
  explicit SampleRows(const Problem& problem)
      : vocab_(problem.op.as<Sample>().vocab), blocks_(std::min(kMaxBlocks, problem.max_rows())) {}

  int64_t scratch_bytes() const override { return blocks_ * vocab_ * 8; }

  void Launch(const LaunchArgs& launch) const override {
    const int64_t rows = RowsOf(launch.in[0], launch);
    auto* const adjusted = reinterpret_cast<float*>(launch.scratch.data());
    Enqueue(launch, kSample, {.x = std::min(blocks_, rows)},
            SampleArgs{.logits = launch.in[0].as<const float>(),
                       .params = launch.in[1].as<const SamplingRow>(),
                       .adjustments = launch.in[2].as<const TokenAdjustment>(),
                       .masks = launch.in[3].as<const uint32_t>(),
                       .ids = launch.out[0].as<int32_t>(),
                       .samples = launch.out[1].as<SampledToken>(),
                       .adjusted = adjusted,
                       .members = reinterpret_cast<int32_t*>(adjusted + blocks_ * vocab_),
                       .columns = launch.in[0].spec->shape.row_elements(),
                       .rows = static_cast<int>(rows),
                       .vocab = static_cast<int>(vocab_),
                       .mask_words = static_cast<int>(TokenMaskWords(vocab_))});
  }

 private:
  int64_t vocab_;
  int64_t blocks_;
};

}  // namespace

KernelEntry SampleKernel() {
  return {.name = "sample.gpu",
          .op = &SchemaOf(Sample{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<SampleRows>(problem);
          }};
}

}  // namespace engine::gpu
