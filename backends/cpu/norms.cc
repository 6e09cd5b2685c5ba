#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_code.h"
#include "backends/cpu/row_kernel.h"
#include "ops/add_rms_norm.h"
#include "ops/rms_norm.h"

namespace engine::cpu {
namespace {

struct NormRows {
  void (*norm)(const NormRow&);
  float epsilon;
  bool adds;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const Tensor& y = args.out.back();
    const int64_t d = args.in[0].spec->shape.row_elements();
    for (int64_t r = begin; r < end; ++r) {
      norm({.x = args.in[0].as<const float>() + r * d,
            .delta = adds ? args.in[1].as<const float>() + r * d : nullptr,
            .sum = adds ? args.out[0].as<float>() + r * d : nullptr,
            .weight = args.in.back().as<const float>(),
            .y = y.data + r * y.spec->row_bytes(),
            .out = y.spec->dtype,
            .d = d,
            .epsilon = epsilon});
    }
  }
};

template <typename Op>
struct NormFamily {
  static constexpr bool kAdds = std::is_same_v<Op, AddRmsNorm>;
  static constexpr std::string_view kNames[] = {kAdds ? "add_rms_norm.portable" : "rms_norm.portable",
                                                kAdds ? "add_rms_norm.avx2" : "rms_norm.avx2",
                                                kAdds ? "add_rms_norm.avx512" : "rms_norm.avx512"};
  static const OpSchema& Schema() { return SchemaOf(Op{}); }
  static absl::Status Supports(const Problem&) { return absl::OkStatus(); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    return MakeRowKernel(problem.out[0].shape.leading(),
                         NormRows{RowCodeFor(isa).norm, problem.op.as<Op>().epsilon, kAdds});
  }
};

}  // namespace

VectorKernels RmsNormKernels() { return VectorEntries<NormFamily<RmsNorm>>(); }
VectorKernels AddRmsNormKernels() { return VectorEntries<NormFamily<AddRmsNorm>>(); }

}  // namespace engine::cpu
