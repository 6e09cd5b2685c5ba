// What runs programs: memory, streams and facts. One implementation per backend.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/device/buffer.h"
#include "core/device/step_extents.h"

namespace engine {

struct Program;

struct DeviceInfo {
  std::string name;         // "cpu", "cuda:0": what --device selects
  std::string kind;         // "cpu": whose kernel list applies
  std::string description;  // for people: model name, ISA
  std::string isa;          // CPU: portable, avx2, avx512 or amx
  int workers = 1;          // CPU threads that walk a program together
  int memory_nodes = 1;     // equal runs of those workers, each near memory of its own
  int64_t memory_bytes = 0;
  int max_steps_in_flight = 1;
  bool replays_steps = false;      // a step costs less if one of equal extents came before
  bool reads_host_memory = false;  // its memory is the host's: nothing need be copied
  int64_t growth_bytes = 0;        // by which reserved memory grows; 0: it is all there from the start
  // OK where a library of the vendor multiplies matrices, or why none does; it is opened when first asked for. Null: never.
  std::function<absl::Status()> matrix_library = nullptr;
  std::vector<std::string> remarks = {};  // for people, a line each: what it can and what it lacks
};

// Unless the device reads host memory, only its kernels and Stream::Copy may touch kDevice memory, and kHost memory is
// what such copies are fast from and to.
enum class MemoryKind { kDevice, kHost };

// Work in order. Not thread-safe: one thread submits.
class Stream {
 public:
  virtual ~Stream() = default;

  // Called once before the first Run, when `program` is bound: finds out in a few milliseconds how to run it best.
  // `weights` is memory that a step of it reads. Optional.
  virtual void Tune(const Program& /*program*/, std::span<const std::span<const std::byte>> /*weights*/) {}
  // Runs every step of a bound program over `extents`. May return before the work is done. The program outlives the
  // stream, which may keep what it takes to run it again.
  virtual absl::Status Run(const Program& program, const StepExtents& extents) = 0;
  // Between memories of the device and the host, in order with the rest. The host's end stays as it is until the copy is
  // done; where both ends are the same, nothing happens.
  virtual absl::Status Copy(std::byte* destination, const std::byte* source, int64_t bytes) = 0;

  // A ticket for everything submitted so far, and waiting for it.
  virtual absl::StatusOr<uint64_t> Record() = 0;
  virtual absl::Status Wait(uint64_t ticket) = 0;
};

class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;
  // Zeroed memory, aligned to 64 bytes. ResourceExhausted names the size when there is not enough.
  virtual absl::StatusOr<Buffer> Allocate(int64_t bytes, MemoryKind kind) = 0;
  // Addresses for `bytes` of zeroed device memory, which stay. Where memory grows nothing lies behind them before Back.
  virtual absl::StatusOr<Buffer> Reserve(int64_t bytes) = 0;
  // Backs the first `bytes` of memory that was reserved, or is otherwise backed as it is first used. Returns how many may be
  // used now. ResourceExhausted: as many as before. Any thread, while kernels run.
  virtual absl::StatusOr<int64_t> Back(const Buffer& buffer, int64_t bytes) = 0;
  // Only some of the first `bytes` of `buffer` will be used, here and there: backs no more than what is. Optional.
  virtual void BackSparsely(const Buffer& /*buffer*/, int64_t /*bytes*/) {}
  // Workers will read `rows`, memory of Allocate that nothing was written to yet, in equal shares in order: puts each share
  // where the one who reads it is near. Optional.
  virtual void Place(std::span<std::byte> /*rows*/) {}
  virtual absl::StatusOr<std::unique_ptr<Stream>> CreateStream() = 0;
};

}  // namespace engine
