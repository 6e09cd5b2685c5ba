#include "backends/gpu/guarded_driver.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/base/check.h"

namespace engine::gpu {
namespace {

// A row of most activations: a kernel that is off by one row still lands in it.
constexpr int64_t kFence = 16384;
constexpr auto kPattern = std::byte{0xa5};

// Both fences of an allocation, as the host sees them.
struct Fences {
  std::array<std::byte, kFence> before, behind;
};
// Allocations whose fences are read with one wait: a model has hundreds.
constexpr size_t kAtOnce = 64;

class Guarded : public GpuDriver {
 public:
  explicit Guarded(std::unique_ptr<GpuDriver> driver) : driver_(std::move(driver)), info_(driver_->info()) {
    info_.growth_bytes = 0;
    info_.no_growth = "guards lie around what is allocated as a whole";
  }
  ~Guarded() override {
    if (!fences_.empty()) driver_->Free(reinterpret_cast<std::byte*>(fences_.data()), MemoryKind::kHost);
    if (queue_.handle != nullptr) driver_->Destroy(queue_);
  }

  const GpuDriverInfo& info() const override { return info_; }

  absl::StatusOr<std::byte*> Allocate(int64_t bytes, MemoryKind kind) override {
    if (kind == MemoryKind::kHost) return driver_->Allocate(bytes, kind);
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Open());
    ASSIGN_OR_RETURN(std::byte * region, driver_->Allocate(bytes + 2 * kFence, kind));
    std::byte* memory = region + kFence;
    if (const absl::Status status = WriteFences(memory, bytes); !status.ok()) {
      driver_->Free(region, kind);
      return status;
    }
    sizes_[memory] = bytes;
    return memory;
  }
  void Free(std::byte* memory, MemoryKind kind) override {
    if (kind == MemoryKind::kHost) return driver_->Free(memory, kind);
    absl::MutexLock lock(&mutex_);
    ENGINE_CHECK(sizes_.erase(memory) == 1);
    driver_->Free(memory - kFence, kind);
  }

  absl::StatusOr<std::byte*> Reserve(int64_t) override { return absl::FailedPreconditionError(info_.no_growth); }
  absl::Status Map(std::byte*, int64_t) override { return absl::FailedPreconditionError(info_.no_growth); }
  void Release(std::byte*) override {}

  absl::StatusOr<GpuQueue> CreateQueue() override { return driver_->CreateQueue(); }
  void Destroy(GpuQueue queue) override { driver_->Destroy(queue); }
  absl::Status Synchronize(GpuQueue queue) override { return driver_->Synchronize(queue); }

  absl::Status Copy(GpuQueue queue, std::byte* destination, const std::byte* source, int64_t bytes) override {
    RETURN_IF_ERROR(driver_->Copy(queue, destination, source, bytes));
    return Check(queue);
  }
  absl::Status CopyRows(GpuQueue queue, const RowCopy& copy) override {
    RETURN_IF_ERROR(driver_->CopyRows(queue, copy));
    return Check(queue);
  }
  absl::Status HasMatrixLibrary() override { return driver_->HasMatrixLibrary(); }
  absl::StatusOr<bool> Multiply(GpuQueue queue, const GpuProduct& product) override {
    ASSIGN_OR_RETURN(const bool multiplied, driver_->Multiply(queue, product));
    RETURN_IF_ERROR(Check(queue));
    return multiplied;
  }
  absl::Status ReachPeer(int ordinal) override { return driver_->ReachPeer(ordinal); }
  absl::Status Launch(GpuQueue queue, const GpuLaunch& launch) override {
    RETURN_IF_ERROR(driver_->Launch(queue, launch));
    return Check(queue);
  }

  absl::StatusOr<GpuEvent> CreateEvent() override { return driver_->CreateEvent(); }
  void Destroy(GpuEvent event) override { driver_->Destroy(event); }
  absl::Status Record(GpuQueue queue, GpuEvent event) override { return driver_->Record(queue, event); }
  absl::Status Synchronize(GpuEvent event) override { return driver_->Synchronize(event); }
  absl::Status Await(GpuQueue queue, GpuEvent event) override { return driver_->Await(queue, event); }

  absl::StatusOr<GpuFunction> FindFunction(const KernelInstance& kernel) override {
    return driver_->FindFunction(kernel);
  }

  absl::Status BeginCapture(GpuQueue queue) override {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(driver_->BeginCapture(queue));
    capturing_.insert(queue.handle);
    return absl::OkStatus();
  }
  absl::StatusOr<GpuGraph> EndCapture(GpuQueue queue) override {
    absl::MutexLock lock(&mutex_);
    capturing_.erase(queue.handle);
    return driver_->EndCapture(queue);
  }
  absl::Status Launch(GpuQueue queue, GpuGraph graph) override {
    RETURN_IF_ERROR(driver_->Launch(queue, graph));
    return Annotate(Check(queue), "a replayed graph");
  }
  void Destroy(GpuGraph graph) override { driver_->Destroy(graph); }

 private:
  absl::Status Open() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!fences_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(queue_, driver_->CreateQueue());
    ASSIGN_OR_RETURN(std::byte * memory, driver_->Allocate(kAtOnce * sizeof(Fences), MemoryKind::kHost));
    fences_ = {reinterpret_cast<Fences*>(memory), kAtOnce};
    return absl::OkStatus();
  }

  absl::Status WriteFences(std::byte* memory, int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::ranges::fill(fences_[0].before, kPattern);
    RETURN_IF_ERROR(driver_->Copy(queue_, memory - kFence, fences_[0].before.data(), kFence));
    RETURN_IF_ERROR(driver_->Copy(queue_, memory + bytes, fences_[0].before.data(), kFence));
    return driver_->Synchronize(queue_);
  }

  // Waits for what the queue was given, unless that is only being recorded.
  absl::Status Check(GpuQueue queue) {
    absl::MutexLock lock(&mutex_);
    if (capturing_.contains(queue.handle)) return absl::OkStatus();
    RETURN_IF_ERROR(driver_->Synchronize(queue));
    for (auto first = sizes_.begin(); first != sizes_.end();) {
      auto last = first;
      size_t count = 0;
      for (; last != sizes_.end() && count < kAtOnce; ++last, ++count) {
        const auto& [memory, bytes] = *last;
        RETURN_IF_ERROR(driver_->Copy(queue_, fences_[count].before.data(), memory - kFence, kFence));
        RETURN_IF_ERROR(driver_->Copy(queue_, fences_[count].behind.data(), memory + bytes, kFence));
      }
      RETURN_IF_ERROR(driver_->Synchronize(queue_));
      for (const Fences* fences = fences_.data(); first != last; ++first, ++fences) {
        RETURN_IF_ERROR(CheckFences(*fences, first->second));
      }
    }
    return absl::OkStatus();
  }

  // Of an allocation of `bytes`.
  static absl::Status CheckFences(const Fences& fences, int64_t bytes) {
    const auto broken = [](std::byte byte) { return byte != kPattern; };
    if (const auto count = std::ranges::count_if(fences.before, broken); count > 0) {
      return DataLoss("it wrote %d bytes before the begin of an allocation of %d bytes", count, bytes);
    }
    if (const auto count = std::ranges::count_if(fences.behind, broken); count > 0) {
      return DataLoss("it wrote %d bytes behind the end of an allocation of %d bytes", count, bytes);
    }
    return absl::OkStatus();
  }

  std::unique_ptr<GpuDriver> driver_;
  GpuDriverInfo info_;
  absl::Mutex mutex_;
  GpuQueue queue_ ABSL_GUARDED_BY(mutex_);            // of the copies that look at fences
  std::span<Fences> fences_ ABSL_GUARDED_BY(mutex_);  // pinned
  std::map<std::byte*, int64_t> sizes_ ABSL_GUARDED_BY(mutex_);
  std::set<void*> capturing_ ABSL_GUARDED_BY(mutex_);  // queues
};

}  // namespace

std::unique_ptr<GpuDriver> GuardedDriver(std::unique_ptr<GpuDriver> driver) {
  return std::make_unique<Guarded>(std::move(driver));
}

}  // namespace engine::gpu
