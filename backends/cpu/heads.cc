#include "backends/cpu/op_kernels.h"
#include "backends/cpu/row_code.h"
#include "backends/cpu/row_kernel.h"
#include "ops/head_rms_norm.h"
#include "ops/qk_norm_rope.h"
#include "ops/rope.h"

namespace engine::cpu {
namespace {

// What differs between the ops: which inputs they have.
struct HeadRows {
  void (*code)(const HeadRow&);
  int heads;
  int head_dim;
  int rotary_dim = 0;  // 0: no rotation; else inputs 1 and 2 are positions and table
  bool norms = false;  // the last input is the weight
  float epsilon = 0.0f;

  void operator()(const LaunchArgs& args, int64_t begin, int64_t end) const {
    const Tensor& y = args.out[0];
    HeadRow row{.weight = norms ? args.in.back().as<const float>() : nullptr,
                .epsilon = epsilon,
                .rotary_dim = rotary_dim,
                .head_dim = head_dim,
                .out = y.spec->dtype};
    const int64_t head_bytes = RowBytes(row.out, head_dim);
    for (int64_t t = begin; t < end; ++t) {
      row.angles = rotary_dim > 0 ? Angles(args, t) : nullptr;
      for (int64_t h = t * heads; h < (t + 1) * heads; ++h) {
        row.x = args.in[0].as<const float>() + h * head_dim;
        row.y = y.data + h * head_bytes;
        code(row);
      }
    }
  }

  const float* Angles(const LaunchArgs& args, int64_t t) const {
    return args.in[2].as<const float>() + int64_t{args.in[1].as<const int32_t>()[t]} * rotary_dim;
  }
};

struct HeadRmsNormFamily {
  static constexpr std::string_view kNames[] = {"head_rms_norm.portable", "head_rms_norm.avx2", "head_rms_norm.avx512"};
  static const OpSchema& Schema() { return SchemaOf(HeadRmsNorm{}); }
  static absl::Status Supports(const Problem& problem) { return RequireHeadDim(problem.op.as<HeadRmsNorm>().head_dim); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    const HeadRmsNorm& op = problem.op.as<HeadRmsNorm>();
    return MakeRowKernel(problem.out[0].shape.leading(), HeadRows{.code = RowCodeFor(isa).head,
                                                                  .heads = op.heads,
                                                                  .head_dim = op.head_dim,
                                                                  .norms = true,
                                                                  .epsilon = op.epsilon});
  }
};

struct RopeFamily {
  static constexpr std::string_view kNames[] = {"rope.portable", "rope.avx2", "rope.avx512"};
  static const OpSchema& Schema() { return SchemaOf(Rope{}); }
  static absl::Status Supports(const Problem& problem) { return RequireHeadDim(problem.op.as<Rope>().head_dim); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    const Rope& op = problem.op.as<Rope>();
    return MakeRowKernel(
        problem.out[0].shape.leading(),
        HeadRows{
            .code = RowCodeFor(isa).head, .heads = op.heads, .head_dim = op.head_dim, .rotary_dim = op.rotary_dim});
  }
};

struct QkNormRopeFamily {
  static constexpr std::string_view kNames[] = {"qk_norm_rope.portable", "qk_norm_rope.avx2", "qk_norm_rope.avx512"};
  static const OpSchema& Schema() { return SchemaOf(QkNormRope{}); }
  static absl::Status Supports(const Problem& problem) { return RequireHeadDim(problem.op.as<QkNormRope>().head_dim); }
  static std::unique_ptr<Kernel> Prepare(const Problem& problem, Isa isa) {
    const QkNormRope& op = problem.op.as<QkNormRope>();
    return MakeRowKernel(problem.out[0].shape.leading(), HeadRows{.code = RowCodeFor(isa).head,
                                                                  .heads = op.heads,
                                                                  .head_dim = op.head_dim,
                                                                  .rotary_dim = op.rotary_dim,
                                                                  .norms = true,
                                                                  .epsilon = op.epsilon});
  }
};

}  // namespace

VectorKernels HeadRmsNormKernels() { return VectorEntries<HeadRmsNormFamily>(); }
VectorKernels RopeKernels() { return VectorEntries<RopeFamily>(); }
VectorKernels QkNormRopeKernels() { return VectorEntries<QkNormRopeFamily>(); }

}  // namespace engine::cpu
