// A GPU as its vendor's driver offers it: memory, queues, events, functions, graphs. CUDA, HIP and SIMT implement it;
// everything above is one source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "backends/gpu/kernel_instance.h"
#include "core/base/status.h"
#include "core/device/device.h"

namespace engine::gpu {

// Things of the driver, named by whatever it uses itself.
struct GpuQueue {
  void* handle = nullptr;
};
struct GpuEvent {
  void* handle = nullptr;
};
struct GpuFunction {
  void* handle = nullptr;
};
struct GpuGraph {
  void* handle = nullptr;
};

struct GpuDriverInfo {
  std::string name;          // what --device selects: "cuda:0", "simt:64"
  std::string kind;          // whose kernel list applies: cuda, rocm or simt
  std::string description;   // "NVIDIA H100 80GB HBM3, driver 13.0"
  std::string architecture;  // "sm_90", "gfx942", "warp32"
  int64_t memory_bytes = 0;
  int ordinal = 0;           // among the devices of its kind
  int64_t growth_bytes = 0;  // the step in which Map maps; 0: it cannot
  std::string no_growth;     // why
};

struct GpuGrid {
  int64_t x = 1;
  int64_t y = 1;
  int64_t z = 1;
};

// Rows that lie apart, in strides of bytes.
struct RowCopy {
  std::byte* destination;
  int64_t destination_stride;
  const std::byte* source;
  int64_t source_stride;
  int64_t row_bytes;
  int64_t rows;
};

// y = x w^T of bf16, as a vendor's library computes it: x is [rows, k], w [n, k], and y [rows, n] of f32.
struct GpuProduct {
  const std::byte* x;
  const std::byte* w;
  float* y;
  int64_t rows;
  int64_t n;
  int64_t k;
  std::byte* workspace;  // of the device, kProductWorkspaceBytes
};

// What vendors advise for their newest GPUs; smaller ones take less of it.
inline constexpr int64_t kProductWorkspaceBytes = int64_t{32} << 20;

// One launch of a function. `args` is the struct of the kernel, copied before the call returns.
struct GpuLaunch {
  const KernelInstance& kernel;
  GpuFunction function;
  GpuGrid grid;  // blocks, none of them zero
  const void* args = nullptr;
};

// Any thread may call; calls for one queue come from one thread at a time. Work of a queue runs in order, queues have no
// order among them but by events.
class GpuDriver {
 public:
  virtual ~GpuDriver() = default;

  virtual const GpuDriverInfo& info() const = 0;

  // Zeroed memory, aligned to 256 bytes. kHost: memory of the host that copies may read and write late.
  virtual absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind) = 0;
  // No submitted work may still use it.
  virtual void Free(std::byte* memory, MemoryKind kind) = 0;

  // Addresses of the device without memory; where there is no growth, FailedPrecondition. Sizes are whole steps of it.
  virtual absl::StatusOr<std::byte*> Reserve(int64_t bytes) = 0;
  // Puts zeroed memory behind the next `bytes` of a reservation, of which those before `begin` have some. If it fails,
  // nothing has changed. Work that uses other memory may run.
  virtual absl::Status Map(std::byte* begin, int64_t bytes) = 0;
  // Gives back addresses and memory. No submitted work may still use them.
  virtual void Release(std::byte* reserved) = 0;

  virtual absl::StatusOr<GpuQueue> CreateQueue() = 0;
  virtual void Destroy(GpuQueue queue) = 0;
  // Returns when all work of the queue is done; its error, if there was one.
  virtual absl::Status Synchronize(GpuQueue queue) = 0;

  // Between any two memories, those of devices that ReachPeer has reached included. The host's end must stay as it is
  // until the copy is done.
  virtual absl::Status Copy(GpuQueue queue, std::byte* destination, const std::byte* source, int64_t bytes) = 0;
  virtual absl::Status CopyRows(GpuQueue queue, const RowCopy& copy) = 0;
  virtual absl::Status Launch(GpuQueue queue, const GpuLaunch& launch) = 0;

  // OK where a library multiplies matrices, or why there is none. It is opened when first asked for.
  virtual absl::Status HasMatrixLibrary() = 0;
  // By it. Sums have an order of its own, which depends on the sizes. False if it has no algorithm for these: the queue is
  // given nothing then.
  virtual absl::StatusOr<bool> Multiply(GpuQueue queue, const GpuProduct& product) = 0;

  // From then on copies of this device's queues may read the memory of its kind's device `ordinal`. Or why they cannot.
  virtual absl::Status ReachPeer(int ordinal) = 0;

  virtual absl::StatusOr<GpuEvent> CreateEvent() = 0;
  virtual void Destroy(GpuEvent event) = 0;
  // The event stands for what the queue has been given so far.
  virtual absl::Status Record(GpuQueue queue, GpuEvent event) = 0;
  virtual absl::Status Synchronize(GpuEvent event) = 0;
  // Later work of `queue` waits for the event as last recorded, by whichever device of the kind.
  virtual absl::Status Await(GpuQueue queue, GpuEvent event) = 0;

  // NotFound names the kernel and where its module was looked for.
  virtual absl::StatusOr<GpuFunction> FindFunction(const KernelInstance& kernel) = 0;

  // Between the two, what the queue is given is recorded instead of run.
  virtual absl::Status BeginCapture(GpuQueue queue) = 0;
  virtual absl::StatusOr<GpuGraph> EndCapture(GpuQueue queue) = 0;
  // Unavailable if the driver does not take it: the queue is given nothing then.
  virtual absl::Status Launch(GpuQueue queue, GpuGraph graph) = 0;
  virtual void Destroy(GpuGraph graph) = 0;
};

}  // namespace engine::gpu
