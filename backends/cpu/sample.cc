#include "ops/sample.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/likeliest.h"
#include "backends/cpu/logit_passes.h"
#include "backends/cpu/op_kernels.h"
#include "backends/cpu/vector_entries.h"
#include "core/base/cache_line.h"
#include "core/base/math.h"
#include "ops/sample_row.h"

namespace engine::cpu {
namespace {

// Room for one row, in a worker's scratch.
struct SampleBuffers {
  std::span<float> adjusted;
  std::span<float> weights;
  std::span<int32_t> ids;

  static int64_t Bytes(int64_t vocab) { return CacheLines(vocab * 12); }
  SampleBuffers(std::byte* data, int64_t vocab)
      : adjusted(reinterpret_cast<float*>(data), vocab),
        weights(adjusted.data() + vocab, vocab),
        ids(reinterpret_cast<int32_t*>(weights.data() + vocab), vocab) {}
};

// One row: its logits, what the host asked of it, and the steps of ops/sample.h.
class RowSampler {
 public:
  RowSampler(const LogitCode& code, const SampleBuffers& buffers) : code_(code), buffers_(buffers) {}

  SampledToken Sample(std::span<const float> logits, const SamplingRow& row,
                      std::span<const TokenAdjustment> adjustments, std::span<const uint32_t> mask) const {
    SampledToken sampled;
    const float raw_max = Maximum(logits);
    if (!std::isfinite(raw_max)) return sampled;
    std::span<const float> adjusted = logits;
    float max = raw_max;
    if (!adjustments.empty() || !mask.empty()) {
      adjusted = Adjust(logits, row, adjustments, mask);
      max = Maximum(adjusted);
      if (!std::isfinite(max)) return sampled;
    }
    sampled.id = row.temperature == 0.0f ? static_cast<int32_t>(code_.find(adjusted.data(), Size(adjusted), max))
                                         : Draw(adjusted, max, row);
    if (row.num_logprobs >= 0) SetLogprobs(logits, raw_max, row.num_logprobs, sampled);
    return sampled;
  }

 private:
  static int64_t Size(std::span<const float> x) { return static_cast<int64_t>(x.size()); }
  float Maximum(std::span<const float> x) const { return code_.maximum(x.data(), Size(x)); }

  std::span<const float> Adjust(std::span<const float> logits, const SamplingRow& row,
                                std::span<const TokenAdjustment> adjustments, std::span<const uint32_t> mask) const {
    std::copy(logits.begin(), logits.end(), buffers_.adjusted.begin());
    for (const TokenAdjustment& adjustment : adjustments) {
      if (adjustment.token < 0 || adjustment.token >= Size(logits)) continue;
      float& logit = buffers_.adjusted[adjustment.token];
      logit = AdjustLogit(logit, row, adjustment);
    }
    ForbidOthers(mask, buffers_.adjusted);
    return buffers_.adjusted;
  }

  int32_t Draw(std::span<const float> adjusted, float max, const SamplingRow& row) const {
    code_.weigh(adjusted.data(), Size(adjusted), max, row.temperature, buffers_.weights.data());
    const WeighedLogits tokens{adjusted, buffers_.weights, max, row.temperature};
    const Cut cut = KeepLikeliest(tokens, row.top_k, row.top_p, buffers_.ids);
    // Kept tokens of any weight, in ascending order: usually few, so the draw looks at no others.
    uint64_t total = 0;
    int64_t kept = 0;
    for (int32_t id = 0; id < Size(adjusted); ++id) {
      if (!cut.Keeps(adjusted[id], id) || tokens.weights[id] < row.min_p) continue;
      total += tokens.integer(id);
      buffers_.ids[kept++] = id;
    }
    const uint64_t target = DrawTarget(row, total);
    uint64_t sum = 0;
    for (const int32_t id : buffers_.ids.first(kept)) {
      sum += tokens.integer(id);
      if (sum > target) return id;
    }
    return -1;  // unreachable: target is below the total, which holds at least the largest weight, 2^40
  }

  void SetLogprobs(std::span<const float> logits, float max, int num_logprobs, SampledToken& sampled) const {
    const float log_sum = Log(code_.sum_exp(logits.data(), Size(logits), max));
    sampled.logprob = (logits[sampled.id] - max) - log_sum;
    const int wanted = std::min({num_logprobs, kMaxTopLogprobs, static_cast<int>(logits.size())});
    int32_t top[kMaxTopLogprobs];
    for (int32_t id = 0; id < Size(logits) && wanted > 0; ++id) {
      if (sampled.num_top == wanted && !(logits[id] > logits[top[wanted - 1]])) continue;
      int place = sampled.num_top < wanted ? sampled.num_top++ : wanted - 1;
      for (; place > 0 && logits[id] > logits[top[place - 1]]; --place) top[place] = top[place - 1];
      top[place] = id;
    }
    for (int i = 0; i < sampled.num_top; ++i) sampled.top[i] = {top[i], (logits[top[i]] - max) - log_sum};
  }

  const LogitCode& code_;
  SampleBuffers buffers_;
};

class SampleKernel : public Kernel {
 public:
  SampleKernel(const Problem& problem, const LogitCode& code)
      : code_(code),
        vocab_(problem.op.as<Sample>().vocab),
        rows_(problem.in[0].shape.leading()),
        workers_(problem.device.workers) {}

  int64_t scratch_bytes() const override { return workers_ * SampleBuffers::Bytes(vocab_); }

  void Launch(const LaunchArgs& args) const override {
    const SampleBuffers buffers(args.scratch.data() + args.worker.index() * SampleBuffers::Bytes(vocab_), vocab_);
    const RowSampler sampler(code_, buffers);
    const int64_t columns = args.in[0].spec->shape.row_elements();
    const auto* rows = args.in[1].as<const SamplingRow>();
    const auto* adjustments = args.in[2].as<const TokenAdjustment>();
    args.worker.ForEach(Resolve(rows_, args.extents), 1, [&](int64_t begin, int64_t end) {
      for (int64_t m = begin; m < end; ++m) {
        const std::span adjusted(adjustments + rows[m].adjustments_begin, adjustments + rows[m].adjustments_end);
        const std::span logits(args.in[0].as<const float>() + m * columns, vocab_);
        const SampledToken sampled =
            sampler.Sample(logits, rows[m], adjusted, MaskOfRow(args.in[3], m, rows[m], vocab_));
        args.out[0].as<int32_t>()[m] = sampled.id;
        args.out[1].as<SampledToken>()[m] = sampled;
      }
    });
  }

 private:
  const LogitCode& code_;
  int64_t vocab_;
  int64_t rows_;
  int64_t workers_;
};

struct SampleFamily {
  static constexpr std::string_view kNames[] = {"sample.portable", "sample.avx2", "sample.avx512"};
  static const OpSchema& Schema() { return SchemaOf(Sample{}); }
  static absl::Status Supports(const Problem&) { return absl::OkStatus(); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    return std::make_unique<SampleKernel>(problem, CodeFor(isa, portable::kLogits, avx2::kLogits, avx512::kLogits));
  }
};

}  // namespace

VectorKernels SampleKernels() { return VectorEntries<SampleFamily>(); }

}  // namespace engine::cpu
