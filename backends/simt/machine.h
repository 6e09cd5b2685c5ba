// Runs one launch: blocks, warps and lanes, the order in which they run, and where they wait for each other.
#pragma once

#include <array>
#include <cstdarg>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/gpu/port/simt.h"
#include "backends/simt/fiber.h"
#include "backends/simt/shared_memory.h"
#include "backends/simt/simt_launch.h"

namespace engine::simt {

using gpu::kWarp;
using gpu::simt::Collective;

inline constexpr int kMaxThreads = 1024;   // of a block, on every GPU
inline constexpr int kResidentBlocks = 3;  // whose lanes take turns, with a seed
inline constexpr uint64_t kAllLanes = ~uint64_t{0} >> (64 - kWarp);

struct Block;
struct Warp;

// An asynchronous copy that has not landed.
struct PendingCopy {
  void* shared;
  const void* global;
  int commit;  // counts the thread's commits before it
};

struct Lane {
  Block* block = nullptr;
  Warp* warp = nullptr;
  int thread = 0;
  Fiber* fiber = nullptr;  // while it runs or waits
  int commits = 0;
  std::vector<PendingCopy> copies;

  uint64_t bit() const { return uint64_t{1} << (thread % kWarp); }
};

struct Warp {
  Lane* lanes = nullptr;
  uint64_t runnable = 0;
  uint64_t at_barrier = 0;
  uint64_t in_collective = 0;
  uint64_t returned = 0;
  Collective collective{};
  int line = 0;
  std::array<uint64_t, kWarp> values{};
  std::array<int, kWarp> operands{};
  std::array<uint64_t, kWarp> results{};
  uint32_t syncs = 0;     // SyncWarps so far
  uint64_t priority = 0;  // of a random schedule
};

struct Block {
  uint64_t index = 0;  // x fastest
  uint32_t x = 0, y = 0, z = 0;
  int threads = 0;
  int returned = 0;
  int at_barrier = 0;
  int barrier_line = 0;
  uint32_t barriers = 0;  // SyncBlocks so far
  std::vector<Warp> warps;
  std::vector<Lane> lanes;
  SharedMemory shared;
};

class Machine {
 public:
  Machine();

  // Empty, or what went wrong. The caller checked the sizes.
  std::string Run(const SimtLaunch& launch);

  // For running lanes.
  void SyncBlock(int line);
  uint64_t Exchange(Collective kind, uint64_t value, int operand, int line);
  void Yield();
  [[noreturn, gnu::format(printf, 2, 3)]] void Fail(const char* format, ...);
  [[noreturn]] void RunLanes();

  const SimtLaunch& launch() const { return *launch_; }
  const FiberPool& fibers() const { return fibers_; }
  uint64_t Random();

 private:
  void Start(Block& block);
  void Return(Lane& lane);
  Lane* Next();
  Warp* NextWarp();
  void Resume(Lane& lane);

  const SimtLaunch* launch_ = nullptr;
  FiberPool fibers_;
  Fiber caller_;
  std::array<Block, kResidentBlocks> blocks_;
  std::vector<uint64_t> order_;  // of the blocks
  size_t started_ = 0;
  std::vector<Warp*> warps_;  // of the resident blocks
  size_t cursor_ = 0;
  uint64_t random_ = 0;
  std::string error_;
};

// The lane whose code runs, or null outside of launches. One launch runs at a time in a library.
Lane* CurrentLane();
Machine& TheMachine();

}  // namespace engine::simt
