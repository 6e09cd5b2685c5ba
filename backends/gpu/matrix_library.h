// A vendor's library of matrix products: cuBLASLt or hipBLASLt, which differ in names and numbers. Opened at run time,
// where it is there; nothing needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "backends/gpu/driver.h"
#include "core/base/shared_library.h"

namespace engine::gpu {

struct MatrixLibraryNames {
  std::string name;                // for people
  std::vector<std::string> files;  // the newest first
  std::string prefix;              // of its functions
  int compute_f32;                 // the vendor's number for sums of f32
  int transpose_a;                 // for the attribute of a product that says how its first operand lies
  int transposed;                  // for the value that says that rows are columns
  int most_workspace;              // for the attribute of a preference
  int not_supported;               // the error of a library that has no algorithm
  std::vector<int> alignments;     // for those of how operands are aligned, where there are some
};

// Functions return 0 or the library's error.
struct MatrixLibraryApi {
  int (*create)(void** handle) = nullptr;
  int (*create_product)(void** product, int compute, int scale_type) = nullptr;
  int (*set_product)(void* product, int attribute, const void* value, size_t bytes) = nullptr;
  int (*create_layout)(void** layout, int type, uint64_t rows, uint64_t columns, int64_t stride) = nullptr;
  int (*create_preference)(void** preference) = nullptr;
  int (*set_preference)(void* preference, int attribute, const void* value, size_t bytes) = nullptr;
  int (*find_algorithms)(void* handle, void* product, void* a, void* b, void* c, void* d, void* preference, int wanted,
                         void* results, int* found) = nullptr;
  int (*multiply)(void* handle, void* product, const void* alpha, const void* a, void* a_layout, const void* b,
                  void* b_layout, const void* beta, const void* c, void* c_layout, void* d, void* d_layout,
                  const void* algorithm, void* workspace, size_t workspace_bytes, void* stream) = nullptr;
};

// Any thread may call, with the device in use. What it makes stays until the process ends, as the library does.
class MatrixLibrary {
 public:
  // The error says what is missing: the library, one of its functions, or an algorithm for this device.
  static absl::StatusOr<std::unique_ptr<MatrixLibrary>> Open(MatrixLibraryNames names);

  const std::string& name() const { return names_.name; }

  // By the algorithm that the library likes best for the sizes, which is asked for once. False if it has none.
  absl::StatusOr<bool> Multiply(const GpuProduct& product, void* stream);

 private:
  // How operands of one size lie, and what multiplies them, if anything does.
  struct Plan {
    bool has_algorithm = false;
    void* w = nullptr;
    void* x = nullptr;
    void* y = nullptr;
    // A result of the heuristic, as large as any version's, which begins with the algorithm.
    alignas(16) std::byte result[512] = {};
  };

  explicit MatrixLibrary(MatrixLibraryNames names) : names_(std::move(names)) {}
  absl::Status Prepare();
  // For products of [rows, k] and [n, k].
  absl::StatusOr<const Plan*> PlanFor(int64_t rows, int64_t n, int64_t k) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status MakePlan(int64_t rows, int64_t n, int64_t k, Plan& plan) const;
  absl::Status Check(const char* what, int error) const;

  const MatrixLibraryNames names_;
  MatrixLibraryApi api_;
  void* handle_ = nullptr;
  void* product_ = nullptr;
  void* preference_ = nullptr;
  absl::Mutex mutex_;
  std::map<std::tuple<int64_t, int64_t, int64_t>, std::unique_ptr<Plan>> plans_ ABSL_GUARDED_BY(mutex_);  // by sizes
};

}  // namespace engine::gpu
