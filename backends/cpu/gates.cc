#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_code.h"
#include "backends/cpu/row_kernel.h"
#include "ops/quantise.h"
#include "ops/silu_mul.h"

namespace engine::cpu {
namespace {

// silu_mul, or quantise: the same stores without `up`.
struct GateRows {
  void (*code)(const GateRow&);

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const Tensor& y = args.out[0];
    const int64_t n = args.in[0].spec->shape.row_elements();
    for (int64_t r = begin; r < end; ++r) {
      code({.gate = args.in[0].as<const float>() + r * n,
            .up = args.in.back().as<const float>() + r * n,
            .y = y.data + r * y.spec->row_bytes(),
            .out = y.spec->dtype,
            .n = n});
    }
  }
};

struct SiluMulFamily {
  static constexpr std::string_view kNames[] = {"silu_mul.portable", "silu_mul.avx2", "silu_mul.avx512"};
  static const OpSchema& Schema() { return SchemaOf(SiluMul{}); }
  static absl::Status Supports(const Problem&) { return absl::OkStatus(); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    const RowCode& code = RowCodeFor(isa);
    const bool is_silu = problem.op.as<SiluMul>().activation == Activation::kSilu;
    return MakeRowKernel(problem.out[0].shape.leading(), GateRows{is_silu ? code.silu : code.gelu_tanh});
  }
};

struct QuantiseFamily {
  static constexpr std::string_view kNames[] = {"quantise.portable", "quantise.avx2", "quantise.avx512"};
  static const OpSchema& Schema() { return SchemaOf(Quantise{}); }
  static absl::Status Supports(const Problem&) { return absl::OkStatus(); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    return MakeRowKernel(problem.out[0].shape.leading(), GateRows{RowCodeFor(isa).store});
  }
};

}  // namespace

VectorKernels SiluMulKernels() { return VectorEntries<SiluMulFamily>(); }
VectorKernels QuantiseKernels() { return VectorEntries<QuantiseFamily>(); }

}  // namespace engine::cpu
