#include <array>

#include "backends/gpu/communicator.h"
#include "core/base/check.h"
#include "core/base/rendezvous.h"

namespace engine::gpu {
namespace {

struct Place {
  std::byte* slice = nullptr;
  GpuEvent is_written;
};

struct Member {
  GpuDriver* driver = nullptr;
  std::array<Place, kPlaces> places;
};

// What the ends share. Nothing of it changes but the rendezvous.
struct Group {
  explicit Group(std::span<GpuDriver* const> drivers) : rendezvous(static_cast<int>(drivers.size())) {
    for (GpuDriver* driver : drivers) members.push_back({.driver = driver});
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() {
    for (const Member& member : members) {
      for (const Place& place : member.places) {
        if (place.slice != nullptr) member.driver->Free(place.slice, kind);
        if (place.is_written.handle != nullptr) member.driver->Destroy(place.is_written);
      }
    }
  }

  Rendezvous rendezvous;
  MemoryKind kind = MemoryKind::kDevice;
  int64_t slice_bytes = 0;
  std::vector<Member> members;
};

class InProcess : public Communicator {
 public:
  InProcess(std::shared_ptr<Group> group, int rank) : group_(std::move(group)), rank_(rank) {}

  absl::Status AllGather(GpuQueue queue, const Gather& gather) override {
    const int64_t bytes = gather.rows * gather.row_bytes;
    ENGINE_CHECK(bytes <= group_->slice_bytes);
    const int turn = turn_;
    turn_ = (turn_ + 1) % kPlaces;
    const auto& members = group_->members;
    GpuDriver& driver = *members[rank_].driver;
    const Place& mine = members[rank_].places[turn];
    RETURN_IF_ERROR(driver.Copy(queue, mine.slice, gather.slice, bytes));
    RETURN_IF_ERROR(driver.Record(queue, mine.is_written));
    // An event can be awaited once it has been recorded.
    RETURN_IF_ERROR(group_->rendezvous.Meet());
    const auto size = static_cast<int64_t>(members.size());
    for (int64_t r = 0; r < size; ++r) {
      const Place& place = members[r].places[turn];
      if (r != rank_) RETURN_IF_ERROR(driver.Await(queue, place.is_written));
      RETURN_IF_ERROR(driver.CopyRows(queue, {.destination = gather.out + r * gather.row_bytes,
                                              .destination_stride = size * gather.row_bytes,
                                              .source = r == rank_ ? gather.slice : place.slice,
                                              .source_stride = gather.row_bytes,
                                              .row_bytes = gather.row_bytes,
                                              .rows = gather.rows}));
    }
    return absl::OkStatus();
  }

  void Abort(const absl::Status& error) override {
    group_->rendezvous.Abort(
        Annotate(error, absl::StrFormat("device %d of the %d of the model", rank_ + 1, group_->members.size())));
  }

 private:
  const std::shared_ptr<Group> group_;  // shared: the last end takes it along
  const int rank_;
  int turn_ = 0;
};

bool EachReachesTheOthers(std::span<GpuDriver* const> drivers) {
  for (GpuDriver* driver : drivers) {
    for (const GpuDriver* other : drivers) {
      if (driver != other && !driver->ReachPeer(other->info().ordinal).ok()) return false;
    }
  }
  return true;
}

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Communicator>>> ConnectInProcess(std::span<GpuDriver* const> drivers,
                                                                            int64_t slice_bytes) {
  const auto group = std::make_shared<Group>(drivers);
  group->slice_bytes = slice_bytes;
  group->kind = EachReachesTheOthers(drivers) ? MemoryKind::kDevice : MemoryKind::kHost;
  std::vector<std::unique_ptr<Communicator>> ends;
  for (Member& member : group->members) {
    for (Place& place : member.places) {
      ASSIGN_OR_RETURN(place.slice, member.driver->Allocate(slice_bytes, group->kind));
      ASSIGN_OR_RETURN(place.is_written, member.driver->CreateEvent());
    }
    ends.push_back(std::make_unique<InProcess>(group, static_cast<int>(ends.size())));
  }
  return ends;
}

}  // namespace engine::gpu
