#include "backends/gpu/matrix_library.h"

namespace engine::gpu {
namespace {

// Types of elements, alike in CUDA and HIP.
constexpr int kF32 = 0;
constexpr int kBf16 = 14;

// Of every operand: rows of x, w and y are whole ones (RequireMatrixLibrary).
constexpr uint32_t kAlignment = 16;

// Rows, outputs and depth of a product that whoever has any algorithm for bf16 can compute.
constexpr int64_t kUsualSize = 128;

}  // namespace

absl::StatusOr<std::unique_ptr<MatrixLibrary>> MatrixLibrary::Open(MatrixLibraryNames names) {
  std::unique_ptr<MatrixLibrary> library(new MatrixLibrary(std::move(names)));
  const auto opened = SharedLibrary::Open(library->names_.files);
  if (!opened.ok()) return NotFound("%s is not installed (%s)", library->name(), Message(opened.status()));
  FunctionLoader loader(*opened);
  const auto load = [&](const char* name, auto*& function) { loader.Load(library->names_.prefix + name, function); };
  MatrixLibraryApi& api = library->api_;
  load("Create", api.create);
  load("MatmulDescCreate", api.create_product);
  load("MatmulDescSetAttribute", api.set_product);
  load("MatrixLayoutCreate", api.create_layout);
  load("MatmulPreferenceCreate", api.create_preference);
  load("MatmulPreferenceSetAttribute", api.set_preference);
  load("MatmulAlgoGetHeuristic", api.find_algorithms);
  load("Matmul", api.multiply);
  RETURN_IF_ERROR(loader.status());
  RETURN_IF_ERROR(library->Prepare());
  ASSIGN_OR_RETURN(const Plan* plan, library->PlanFor(kUsualSize, kUsualSize, kUsualSize));
  if (!plan->has_algorithm) return Unimplemented("%s does not multiply bf16 on this device", library->name());
  return library;
}

absl::Status MatrixLibrary::Check(const char* what, int error) const {
  if (error == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("%s cannot %s: error %d", names_.name, what, error));
}

// Columns of one matrix lie side by side: w is [k, n] there, transposed, x [k, rows] and y [n, rows].
absl::Status MatrixLibrary::Prepare() {
  RETURN_IF_ERROR(Check("start", api_.create(&handle_)));
  RETURN_IF_ERROR(Check("describe a product", api_.create_product(&product_, names_.compute_f32, kF32)));
  RETURN_IF_ERROR(Check("transpose",
                        api_.set_product(product_, names_.transpose_a, &names_.transposed, sizeof(names_.transposed))));
  RETURN_IF_ERROR(Check("prefer", api_.create_preference(&preference_)));
  constexpr auto kMost = static_cast<uint64_t>(kProductWorkspaceBytes);
  RETURN_IF_ERROR(
      Check("limit its workspace", api_.set_preference(preference_, names_.most_workspace, &kMost, sizeof(kMost))));
  for (const int attribute : names_.alignments) {
    RETURN_IF_ERROR(Check("align", api_.set_preference(preference_, attribute, &kAlignment, sizeof(kAlignment))));
  }
  return absl::OkStatus();
}

absl::Status MatrixLibrary::MakePlan(int64_t rows, int64_t n, int64_t k, Plan& plan) const {
  const auto layout = [this](void** out, int type, int64_t column, int64_t columns) {
    return Check("describe a matrix", api_.create_layout(out, type, column, columns, column));
  };
  RETURN_IF_ERROR(layout(&plan.w, kBf16, k, n));
  RETURN_IF_ERROR(layout(&plan.x, kBf16, k, rows));
  RETURN_IF_ERROR(layout(&plan.y, kF32, n, rows));
  int found = 0;
  const int error = api_.find_algorithms(handle_, product_, plan.w, plan.x, plan.y, plan.y, preference_, 1,
                                         static_cast<void*>(plan.result), &found);
  plan.has_algorithm = error == 0 && found > 0;
  return error == names_.not_supported ? absl::OkStatus() : Check("choose an algorithm", error);
}

absl::StatusOr<const MatrixLibrary::Plan*> MatrixLibrary::PlanFor(int64_t rows, int64_t n, int64_t k) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Plan>& plan = plans_[{rows, n, k}];
  if (plan != nullptr) return plan.get();
  auto made = std::make_unique<Plan>();
  RETURN_IF_ERROR(MakePlan(rows, n, k, *made));
  plan = std::move(made);
  return plan.get();
}

absl::StatusOr<bool> MatrixLibrary::Multiply(const GpuProduct& product, void* stream) {
  ASSIGN_OR_RETURN(const Plan* plan, PlanFor(product.rows, product.n, product.k));
  if (!plan->has_algorithm) return false;
  constexpr float kOne = 1.0f;
  constexpr float kZero = 0.0f;
  RETURN_IF_ERROR(
      Check("multiply", api_.multiply(handle_, product_, &kOne, product.w, plan->w, product.x, plan->x, &kZero,
                                      product.y, plan->y, product.y, plan->y, plan->result, product.workspace,
                                      static_cast<size_t>(kProductWorkspaceBytes), stream)));
  return true;
}

}  // namespace engine::gpu
