#include "backends/gpu/heads.h"

#include "backends/gpu/launch.h"
#include "backends/gpu/op_kernels.h"
#include "ops/head_rms_norm.h"
#include "ops/qk_norm_rope.h"
#include "ops/rope.h"

namespace engine::gpu {
namespace {

void EnqueueHeads(const LaunchArgs& launch, const KernelInstance& kernel, HeadsArgs args) {
  args.x = launch.in[0].as<const float>();
  args.y = launch.out[0].data;
  args.y_dtype = launch.out[0].spec->dtype;
  args.num_heads = RowsOf(launch.out[0], launch) * args.heads;
  Enqueue(launch, kernel, {.x = DivideUp(args.num_heads, kHeadsPerBlock)}, args);
}

HeadsArgs Rotation(const LaunchArgs& launch, int rotary_dim) {
  return {
      .positions = launch.in[1].as<const int32_t>(), .table = launch.in[2].as<const float>(), .rotary_dim = rotary_dim};
}

void LaunchHeadRmsNorm(const LaunchArgs& launch, const HeadRmsNorm& op) {
  EnqueueHeads(
      launch, kHeadRmsNorm,
      {.weight = launch.in[1].as<const float>(), .heads = op.heads, .head_dim = op.head_dim, .epsilon = op.epsilon});
}

void LaunchRope(const LaunchArgs& launch, const Rope& op) {
  HeadsArgs args = Rotation(launch, op.rotary_dim);
  args.heads = op.heads;
  args.head_dim = op.head_dim;
  EnqueueHeads(launch, kRope, args);
}

void LaunchQkNormRope(const LaunchArgs& launch, const QkNormRope& op) {
  HeadsArgs args = Rotation(launch, op.rotary_dim);
  args.weight = launch.in[3].as<const float>();
  args.heads = op.heads;
  args.head_dim = op.head_dim;
  args.epsilon = op.epsilon;
  EnqueueHeads(launch, kQkNormRope, args);
}

template <typename Op, void (*kLaunch)(const LaunchArgs&, const Op&)>
KernelEntry Entry(std::string_view name) {
  return {.name = name,
          .op = &SchemaOf(Op{}),
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return MakeKernel([op = problem.op.as<Op>()](const LaunchArgs& launch) { kLaunch(launch, op); });
          }};
}

}  // namespace

KernelEntry HeadRmsNormKernel() { return Entry<HeadRmsNorm, LaunchHeadRmsNorm>("head_rms_norm.gpu"); }
KernelEntry RopeKernel() { return Entry<Rope, LaunchRope>("rope.gpu"); }
KernelEntry QkNormRopeKernel() { return Entry<QkNormRope, LaunchQkNormRope>("qk_norm_rope.gpu"); }

}  // namespace engine::gpu
