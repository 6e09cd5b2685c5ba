#include "core/kernel/kernel.h"

namespace engine {
namespace {

class ReferenceOp : public Kernel {
 public:
  explicit ReferenceOp(OpRef op) : op_(std::move(op)) {}
  void Launch(const LaunchArgs& args) const override {
    if (args.worker.index() == 0) op_.schema().reference(op_, args);
  }

 private:
  OpRef op_;
};

}  // namespace

KernelEntry ReferenceKernel(const OpSchema& schema) {
  return {.name = kReferenceName,
          .op = &schema,
          .exactness = Exactness::kExact,
          .supports = [](const Problem&) { return absl::OkStatus(); },
          .prepare = [](const Problem& problem) -> absl::StatusOr<std::unique_ptr<Kernel>> {
            return std::make_unique<ReferenceOp>(problem.op);
          }};
}

}  // namespace engine
