// libcublasLt and libhipblaslt for machines without a GPU: products run on the SIMT device, in order with the other work
// of their stream, if they are described as the vendors' headers say. FAKE_GPU_NO_ALGORITHM is the number of rows for
// which there is no algorithm, or "any".
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/unit/gpu/fake_gpu.h"

namespace engine::gpu {
namespace {

constexpr int kRefused = 3;  // HIPBLAS_STATUS_INVALID_VALUE; an error of CUDA, too
constexpr char kMarker[] = "an algorithm";

// The numbers in which the vendors differ.
struct Numbers {
  int compute_f32, transpose_a, transposed, not_supported;
};
constexpr Numbers kCuda = {68, 3, 1, 15};
constexpr Numbers kHip = {2, 0, 112, 7};

struct Description {
  bool is_transposed = false;
};
struct Layout {
  int type;
  int64_t rows, columns;
};

int CreateDescription(void** out, int compute, int scale_type, const Numbers& numbers) {
  *out = new Description;
  return compute == numbers.compute_f32 && scale_type == 0 ? 0 : kRefused;
}

int SetDescription(void* description, int attribute, const void* value, size_t bytes, const Numbers& numbers) {
  int number = 0;
  if (attribute != numbers.transpose_a || bytes != sizeof(number)) return kRefused;
  std::memcpy(&number, value, bytes);
  static_cast<Description*>(description)->is_transposed = number == numbers.transposed;
  return 0;
}

int CreateLayout(void** out, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  *out = new Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns)};
  return stride == static_cast<int64_t>(rows) ? 0 : kRefused;
}

// w^T x: columns lie side by side.
bool Fits(const Description& description, const Layout& w, const Layout& x, const Layout& y) {
  return description.is_transposed && w.type == 14 && x.type == 14 && y.type == 0 && w.rows == x.rows &&
         y.rows == w.columns && y.columns == x.columns;
}

// Vendors say in two ways that there is none: by their count, and by an error.
int FindAlgorithms(const void* description, const void* w, const void* x, const void* y, void* results, int* found,
                   const Numbers& numbers) {
  const auto& rows = *static_cast<const Layout*>(x);
  if (!Fits(*static_cast<const Description*>(description), *static_cast<const Layout*>(w), rows,
            *static_cast<const Layout*>(y))) {
    return kRefused;
  }
  const char* missing = std::getenv("FAKE_GPU_NO_ALGORITHM");
  *found = 0;
  if (missing != nullptr && std::string_view(missing) == "any") return numbers.not_supported;
  if (missing != nullptr && std::to_string(rows.columns) == missing) return 0;
  *found = 1;
  std::memcpy(results, kMarker, sizeof(kMarker));
  return 0;
}

struct Operands {
  const void *w, *x;
  void* y;
  void* workspace;
  size_t workspace_bytes;
};

int Multiply(const Operands& operands, const void* w_layout, const void* x_layout, const void* algorithm,
             void* stream) {
  const bool is_whole = operands.workspace_bytes == kProductWorkspaceBytes;
  if (!is_whole || std::memcmp(algorithm, kMarker, sizeof(kMarker)) != 0) return kRefused;
  const auto& w = *static_cast<const Layout*>(w_layout);
  return FakeMultiply({.x = static_cast<const std::byte*>(operands.x),
                       .w = static_cast<const std::byte*>(operands.w),
                       .y = static_cast<float*>(operands.y),
                       .rows = static_cast<const Layout*>(x_layout)->columns,
                       .n = w.columns,
                       .k = w.rows,
                       .workspace = static_cast<std::byte*>(operands.workspace)},
                      stream);
}

}  // namespace
}  // namespace engine::gpu

using namespace engine::gpu;

// Both vendors' names for the same functions, as MatrixLibraryApi has them (backends/gpu/matrix_library.h).
#define FAKE(name, parameters, body)                     \
  extern "C" int cublasLt##name parameters {             \
    [[maybe_unused]] constexpr Numbers kNumbers = kCuda; \
    body                                                 \
  }                                                      \
  extern "C" int hipblasLt##name parameters {            \
    [[maybe_unused]] constexpr Numbers kNumbers = kHip;  \
    body                                                 \
  }

FAKE(Create, (void** handle), *handle = handle; return 0;)
FAKE(MatmulDescCreate, (void** out, int compute, int scale_type),
     return CreateDescription(out, compute, scale_type, kNumbers);)
FAKE(MatmulDescSetAttribute, (void* description, int attribute, const void* value, size_t bytes),
     return SetDescription(description, attribute, value, bytes, kNumbers);)
FAKE(MatrixLayoutCreate, (void** out, int type, uint64_t rows, uint64_t columns, int64_t stride),
     return CreateLayout(out, type, rows, columns, stride);)
FAKE(MatmulPreferenceCreate, (void** out), *out = nullptr; return 0;)
FAKE(MatmulPreferenceSetAttribute, (void*, int attribute, const void*, size_t bytes),
     return bytes == (attribute == 1 ? 8 : 4) ? 0 : kRefused;)
FAKE(MatmulAlgoGetHeuristic,
     (void*, void* description, void* w, void* x, void* c, void* y, void*, int wanted, void* results, int* found),
     return c == y && wanted == 1 ? FindAlgorithms(description, w, x, y, results, found, kNumbers) : kRefused;)
FAKE(Matmul,
     (void*, void*, const void*, const void* w, void* w_layout, const void* x, void* x_layout, const void*, const void*,
      void*, void* y, void*, const void* algorithm, void* workspace, size_t bytes, void* stream),
     return Multiply({w, x, y, workspace, bytes}, w_layout, x_layout, algorithm, stream);)
