#include "tests/unit/gpu/gather_rounds.h"

#include <thread>

#include "core/base/check.h"

namespace engine::gpu {
namespace {

constexpr int kColumns = 5;
constexpr int kMostRows = 3;
constexpr int64_t kSliceValues = int64_t{kMostRows} * kColumns;
constexpr int64_t kSliceBytes = kSliceValues * int64_t{sizeof(int32_t)};

int RowsOf(int round) { return 1 + round % kMostRows; }
int32_t ValueAt(int device, int round, int64_t at) { return static_cast<int32_t>(device * 10000 + round * 100 + at); }

class Device {
 public:
  Device(GpuDriver& driver, Communicator& communicator, int rank, int ranks)
      : driver_(driver), communicator_(communicator), rank_(rank), ranks_(ranks) {
    queue_ = *driver.CreateQueue();
    slice_ = *driver.Allocate(kSliceBytes, MemoryKind::kDevice);
    out_ = *driver.Allocate(ranks * kSliceBytes, MemoryKind::kDevice);
    in_ = *driver.Allocate(kGatherRounds * kSliceBytes, MemoryKind::kHost);
    got_ = *driver.Allocate(kGatherRounds * ranks * kSliceBytes, MemoryKind::kHost);
  }
  ~Device() {
    driver_.Synchronize(queue_).IgnoreError();
    driver_.Destroy(queue_);
    for (std::byte* memory : {slice_, out_}) driver_.Free(memory, MemoryKind::kDevice);
    for (std::byte* memory : {in_, got_}) driver_.Free(memory, MemoryKind::kHost);
  }

  absl::Status Run(int rounds) {
    for (int round = 0; round < rounds; ++round) RETURN_IF_ERROR(Round(round));
    RETURN_IF_ERROR(driver_.Synchronize(queue_));
    for (int round = 0; round < rounds; ++round) RETURN_IF_ERROR(Check(round));
    return absl::OkStatus();
  }

 private:
  absl::Status Round(int round) {
    std::byte* in = in_ + round * kSliceBytes;
    for (int64_t at = 0; at < kSliceValues; ++at) reinterpret_cast<int32_t*>(in)[at] = ValueAt(rank_, round, at);
    RETURN_IF_ERROR(driver_.Copy(queue_, slice_, in, kSliceBytes));
    RETURN_IF_ERROR(communicator_.AllGather(
        queue_, {.slice = slice_, .row_bytes = kColumns * sizeof(int32_t), .rows = RowsOf(round), .out = out_}));
    return driver_.Copy(queue_, got_ + round * ranks_ * kSliceBytes, out_, ranks_ * kSliceBytes);
  }

  absl::Status Check(int round) const {
    const auto* got = reinterpret_cast<const int32_t*>(got_ + round * ranks_ * kSliceBytes);
    for (int row = 0; row < RowsOf(round); ++row) {
      for (int i = 0; i < ranks_ * kColumns; ++i) {
        const int32_t value = got[row * ranks_ * kColumns + i];
        const int32_t expected = ValueAt(i / kColumns, round, row * kColumns + i % kColumns);
        if (value == expected) continue;
        return DataLoss("device %d, round %d, row %d, column %d: %d for %d", rank_, round, row, i, value, expected);
      }
    }
    return absl::OkStatus();
  }

  GpuDriver& driver_;
  Communicator& communicator_;
  int rank_, ranks_;
  GpuQueue queue_;
  std::byte *slice_, *out_, *in_, *got_;
};

}  // namespace

std::vector<absl::Status> GatherRounds(std::span<GpuDriver* const> drivers, int failing) {
  auto communicators = ConnectInProcess(drivers, kSliceBytes);
  ENGINE_CHECK(communicators.ok());
  const int ranks = static_cast<int>(drivers.size());
  std::vector<std::unique_ptr<Device>> devices;
  for (int r = 0; r < ranks; ++r) {
    devices.push_back(std::make_unique<Device>(*drivers[r], *(*communicators)[r], r, ranks));
  }
  std::vector<absl::Status> results(ranks);
  {
    std::vector<std::jthread> threads;
    for (int r = 0; r < ranks; ++r) {
      threads.emplace_back([&, r] {
        results[r] = devices[r]->Run(r == failing ? kGatherRounds / 2 : kGatherRounds);
        if (r == failing) (*communicators)[r]->Abort(absl::InternalError("it gave up"));
      });
    }
  }
  devices.clear();  // their work is done before the places of slices go
  return results;
}

}  // namespace engine::gpu
