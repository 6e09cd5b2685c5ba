// Every access of a kernel against what is known about its bytes.
#include <array>
#include <map>

#include "backends/simt/access_counters.h"
#include "backends/simt/checks.h"
#include "backends/simt/machine.h"
#include "backends/simt/shadow.h"

// This library in memory: its constants may be read.
// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming): the linker gives these names
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start[], _end[];

namespace engine::simt {
namespace {

// Device memory that kernels may touch, by address.
class DeviceMemory {
 public:
  struct Place {
    Shadow* shadow = nullptr;  // null: nothing is allocated there
    size_t offset = 0;
  };

  void Allocate(uintptr_t begin, size_t bytes) {
    last_ = {};
    shadows_.erase(begin);
    shadows_.try_emplace(begin, bytes);
  }
  void Reserve(uintptr_t begin, size_t bytes) {
    last_ = {};
    shadows_.erase(begin);
    shadows_.try_emplace(begin, 0, bytes);
  }
  void Map(uintptr_t begin, size_t bytes) { shadows_.at(begin).Grow(bytes); }
  void Free(uintptr_t begin) {
    last_ = {};
    shadows_.erase(begin);
  }
  // The allocation with or before the address; the offset may lie behind its end.
  Place Find(uintptr_t address) {
    if (last_.shadow != nullptr && address - last_begin_ < last_.shadow->bytes()) {
      return {last_.shadow, address - last_begin_};
    }
    auto after = shadows_.upper_bound(address);
    if (after == shadows_.begin()) return {};
    --after;
    last_begin_ = after->first;
    last_ = {&after->second, 0};
    return {&after->second, address - after->first};
  }

 private:
  std::map<uintptr_t, Shadow> shadows_;
  Place last_;
  uintptr_t last_begin_ = 0;
};

struct Checks {
  DeviceMemory memory;
  // One for the shared memory of each block that can be resident, by its arena.
  std::map<const std::byte*, Shadow> shared;
  std::map<const std::byte*, uint32_t> shared_periods;
  uint32_t launches = 0;
  uint32_t blocks = 0;
  AccessCounters counters;
};

Checks& TheChecks() {
  static Checks checks;
  return checks;
}

const char* NameOf(Access access) {
  return access == Access::kRead ? "read" : access == Access::kWrite ? "write" : "AtomicAdd";
}

uint64_t ThreadOfGrid(const Lane& lane) { return lane.block->index * kMaxThreads + lane.thread; }

// One access of the running lane.
struct Check {
  const Lane& lane;
  const void* address;
  size_t bytes;
  Access access;
  const char* space;
  AccessRecord now;

  [[noreturn]] void Fail(const char* what, const AccessRecord& other, const char* did) const {
    TheMachine().Fail(
        "%s memory: %s: %s of %zu bytes at %p after a %s by block %llu thread %llu, and no barrier between", space,
        what, NameOf(access), bytes, address, did, static_cast<unsigned long long>(other.thread / kMaxThreads),
        static_cast<unsigned long long>(other.thread % kMaxThreads));
  }

  // Whether nothing keeps the other access from happening at this moment.
  bool Races(const AccessRecord& other) const {
    if (other.period != now.period || other.thread == now.thread) return false;
    if (other.thread / kMaxThreads != now.thread / kMaxThreads) return true;
    if (other.barriers != now.barriers) return false;
    const bool same_warp = other.thread / kWarp == now.thread / kWarp;
    return !(same_warp && other.syncs != now.syncs);
  }

  void Byte(Shadow& shadow, size_t i) const {
    ByteHistory& history = shadow.history(i);
    if (access != Access::kWrite && !shadow.written(i)) {
      TheMachine().Fail("%s memory: %s of a byte at %p that nobody wrote", space, NameOf(access), address);
    }
    const bool both_atomic = access == Access::kAtomic && shadow.atomic(i);
    if (!both_atomic && Races(history.write)) Fail("race", history.write, "write");
    if (access != Access::kRead) {
      for (const AccessRecord& read : history.reads) {
        if (Races(read)) Fail("race", read, "read");
      }
      history.write = now;
      shadow.written(i) = true;
      shadow.atomic(i) = access == Access::kAtomic;
    } else {
      if (history.reads[0].period == now.period && history.reads[0].thread != now.thread) {
        history.reads[1] = history.reads[0];
      }
      history.reads[0] = now;
    }
  }

  void Bytes(Shadow& shadow, size_t offset) const {
    if (offset < shadow.reserved() && offset + bytes > shadow.bytes() && shadow.bytes() < shadow.reserved()) {
      TheMachine().Fail(
          "%s memory: %s of %zu bytes at %p, out of bounds: it starts at byte %zu of a reservation of %zu, of which "
          "the first %zu are mapped",
          space, NameOf(access), bytes, address, offset, shadow.reserved(), shadow.bytes());
    }
    if (offset >= shadow.bytes() || bytes > shadow.bytes() - offset) {
      TheMachine().Fail("%s memory: %s of %zu bytes at %p, out of bounds: it starts at byte %td of %zu", space,
                        NameOf(access), bytes, address, static_cast<ptrdiff_t>(offset), shadow.bytes());
    }
    for (size_t i = 0; i < bytes; ++i) Byte(shadow, offset + i);
  }
};

AccessRecord RecordOf(const Lane& lane, uint32_t period) {
  return {.thread = ThreadOfGrid(lane),
          .period = period,
          .barriers = static_cast<uint16_t>(lane.block->barriers),
          .syncs = static_cast<uint16_t>(lane.warp->syncs)};
}

bool Within(const void* address, size_t bytes, const void* begin, size_t size) {
  const auto offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(begin);
  return offset < size && bytes <= size - offset;
}

void CheckShared(const Lane& lane, const void* address, size_t bytes, Access access) {
  Checks& checks = TheChecks();
  const SharedMemory& memory = lane.block->shared;
  if (memory.struct_begin() == nullptr) TheMachine().Fail("shared memory: %s before GPU_SHARED", NameOf(access));
  const Check check{lane, address, bytes, access, "shared", RecordOf(lane, checks.shared_periods[memory.arena()])};
  // An offset before the struct wraps and is out of bounds, too.
  check.Bytes(checks.shared.at(memory.arena()),
              reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(memory.struct_begin()));
}

void CheckGlobal(const Lane& lane, const void* address, size_t bytes, Access access) {
  Checks& checks = TheChecks();
  const DeviceMemory::Place place = checks.memory.Find(reinterpret_cast<uintptr_t>(address));
  // As far as that behind an allocation, it is likelier to be another mistake.
  constexpr size_t kNear = 1 << 20;
  if (place.shadow == nullptr || place.offset >= place.shadow->reserved() + kNear) {
    TheMachine().Fail("%s of %zu bytes at %p, which is no device memory", NameOf(access), bytes, address);
  }
  const Check check{lane, address, bytes, access, "global", RecordOf(lane, checks.launches)};
  check.Bytes(*place.shadow, place.offset);
}

}  // namespace

void CheckAccess(const void* address, size_t bytes, Access access, const void* code) {
  const Lane* lane = CurrentLane();
  if (lane == nullptr) return;
  Machine& machine = TheMachine();
  if (const Fiber* fiber = machine.fibers().FindByAddress(address)) {
    if (fiber != lane->fiber) machine.Fail("%s of another thread's local memory", NameOf(access));
    return;
  }
  const bool reads = access == Access::kRead;
  const SimtLaunch& launch = machine.launch();
  if (reads && Within(address, bytes, launch.args, launch.args_bytes)) return;
  if (reads && Within(address, bytes, __ehdr_start, _end - __ehdr_start)) return;
  // Another thread may get ahead at any access.
  if (launch.seed != 0 && machine.Random() % 64 == 0) machine.Yield();
  const bool shared = lane->block->shared.Contains(address);
  if (shared) {
    CheckShared(*lane, address, bytes, access);
  } else {
    CheckGlobal(*lane, address, bytes, access);
  }
  if (launch.counters != nullptr) {
    TheChecks().counters.Add(code, ThreadOfGrid(*lane), ThreadOfGrid(*lane) / kWarp,
                             reinterpret_cast<uintptr_t>(address), bytes, shared);
  }
}

void SharedMemoryAllocated(const Block& block) {
  Checks& checks = TheChecks();
  const std::byte* arena = block.shared.arena();
  const auto found = checks.shared.find(arena);
  if (found == checks.shared.end() || found->second.bytes() != block.shared.struct_bytes()) {
    checks.shared.erase(arena);
    checks.shared.try_emplace(arena, block.shared.struct_bytes());
  } else {
    for (size_t i = 0; i < found->second.bytes(); ++i) found->second.written(i) = false;
  }
  checks.shared_periods[arena] = ++checks.blocks;
}

void LaunchBegins() { ++TheChecks().launches; }

void LaunchEnds() {
  SimtCounters ignored{};
  SimtCounters* counters = TheMachine().launch().counters;
  TheChecks().counters.Flush(counters == nullptr ? ignored : *counters);
}

void MemoryChanged(SimtMemoryEvent event, const void* begin, size_t bytes) {
  DeviceMemory& memory = TheChecks().memory;
  const auto address = reinterpret_cast<uintptr_t>(begin);
  if (event == kSimtAllocated) memory.Allocate(address, bytes);
  if (event == kSimtReserved) memory.Reserve(address, bytes);
  if (event == kSimtMapped) memory.Map(address, bytes);
  if (event == kSimtFreed) memory.Free(address);
  if (event == kSimtWritten) {
    const DeviceMemory::Place place = memory.Find(address);
    if (place.shadow == nullptr) return;
    for (size_t i = 0; i < bytes && place.offset + i < place.shadow->bytes(); ++i) {
      place.shadow->written(place.offset + i) = true;
    }
  }
}

}  // namespace engine::simt
