#include "backends/simt/machine.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "backends/simt/checks.h"
#include "backends/simt/matrix.h"

namespace engine::simt {
namespace {

// Which lane's code the caller's thread is running: what Tid() and its like are about.
constinit Lane* current_lane = nullptr;

const char* NameOf(Collective collective) {
  switch (collective) {
    case Collective::kShflXor:
      return "ShflXor";
    case Collective::kShflDown:
      return "ShflDown";
    case Collective::kShfl:
      return "Shfl";
    case Collective::kSyncWarp:
      return "SyncWarp";
    case Collective::kMultiplyInt8:
      return "MultiplyInt8";
    case Collective::kMultiplyBf16:
      return "MultiplyBf16";
    case Collective::kMultiplyF16:
      return "MultiplyF16";
  }
  return "?";
}

int LowestLane(uint64_t lanes) { return std::countr_zero(lanes); }

}  // namespace

Lane* CurrentLane() { return current_lane; }

Machine& TheMachine() {
  static Machine machine;
  return machine;
}

Machine::Machine()
    : fibers_([] {
        FiberEntered();
        TheMachine().RunLanes();
      }) {}

std::string Machine::Run(const SimtLaunch& launch) {
  launch_ = &launch;
  error_.clear();
  // Neighbouring seeds must give unrelated numbers: splitmix64 below does that for any odd step.
  random_ = launch.seed * 0x9e3779b97f4a7c15u;
  order_.resize(uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2]);
  std::iota(order_.begin(), order_.end(), uint64_t{0});
  if (launch.seed != 0) {
    for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[Random() % i]);
  }
  started_ = 0;
  cursor_ = 0;
  warps_.clear();
  LaunchBegins();
  const size_t resident = std::min<size_t>(launch.seed == 0 ? 1 : kResidentBlocks, order_.size());
  for (size_t i = 0; i < resident; ++i) {
    Start(blocks_[i]);
    for (Warp& warp : blocks_[i].warps) warps_.push_back(&warp);
  }
  caller_ = CallersFiber();
  current_lane = Next();
  current_lane->fiber = &fibers_.Take();
  SwitchFiber(caller_, *current_lane->fiber);
  current_lane = nullptr;
  if (!error_.empty()) fibers_.Reset();
  LaunchEnds();
  return error_;
}

void Machine::Start(Block& block) {
  const int threads = static_cast<int>(launch_->block[0]);
  block.index = order_[started_++];
  block.x = static_cast<uint32_t>(block.index % launch_->grid[0]);
  block.y = static_cast<uint32_t>(block.index / launch_->grid[0] % launch_->grid[1]);
  block.z = static_cast<uint32_t>(block.index / launch_->grid[0] / launch_->grid[1]);
  block.threads = threads;
  block.returned = block.at_barrier = 0;
  block.barriers = 0;
  block.shared.Clear();
  block.warps.resize(threads / kWarp);
  block.lanes.resize(threads);
  for (Warp& warp : block.warps) {
    warp.runnable = kAllLanes;
    warp.at_barrier = warp.in_collective = warp.returned = 0;
    warp.syncs = 0;
    warp.priority = launch_->seed == 0 ? 0 : Random();
  }
  for (int i = 0; i < threads; ++i) {
    Lane& lane = block.lanes[i];
    lane.block = &block;
    lane.warp = &block.warps[i / kWarp];
    if (i % kWarp == 0) lane.warp->lanes = &lane;
    lane.thread = i;
    lane.fiber = nullptr;
    lane.commits = 0;
    lane.copies.clear();
  }
}

// The body of every fiber: runs lanes from their beginning until there is one to continue on another stack.
void Machine::RunLanes() {
  Fiber& fiber = *current_lane->fiber;
  while (true) {
    launch_->kernel(launch_->args);
    Return(*current_lane);
    Lane* next = Next();
    if (next != nullptr && next->fiber == nullptr) {
      next->fiber = &fiber;
      current_lane = next;
      continue;
    }
    fibers_.GiveBack(fiber);
    if (next == nullptr) {
      SwitchFiber(fiber, caller_);
    } else {
      current_lane = next;
      SwitchFiber(fiber, *next->fiber);
    }
    // Taken again, for the lane that has become current.
  }
}

void Machine::Return(Lane& lane) {
  Block& block = *lane.block;
  Warp& warp = *lane.warp;
  if (!lane.copies.empty()) Fail("returns with %zu asynchronous copies that were not waited for", lane.copies.size());
  if (warp.in_collective != 0) {
    Fail("returns while lane %d waits in %s of line %d", LowestLane(warp.in_collective), NameOf(warp.collective),
         warp.line);
  }
  if (block.at_barrier > 0) {
    Fail("returns while %d threads wait in SyncBlock of line %d", block.at_barrier, block.barrier_line);
  }
  lane.fiber = nullptr;
  warp.runnable &= ~lane.bit();
  warp.returned |= lane.bit();
  if (++block.returned == block.threads && started_ < order_.size()) Start(block);
}

void Machine::SyncBlock(int line) {
  Lane& lane = *current_lane;
  Block& block = *lane.block;
  Warp& warp = *lane.warp;
  if (block.returned > 0) Fail("SyncBlock of line %d after %d threads of the block returned", line, block.returned);
  if (block.at_barrier > 0 && block.barrier_line != line) {
    Fail("SyncBlock of line %d while %d threads wait in SyncBlock of line %d", line, block.at_barrier,
         block.barrier_line);
  }
  if (warp.in_collective != 0) {
    Fail("SyncBlock of line %d while lane %d waits in %s of line %d", line, LowestLane(warp.in_collective),
         NameOf(warp.collective), warp.line);
  }
  block.barrier_line = line;
  warp.runnable &= ~lane.bit();
  warp.at_barrier |= lane.bit();
  if (++block.at_barrier == block.threads) {
    block.at_barrier = 0;
    ++block.barriers;
    for (Warp& each : block.warps) {
      each.at_barrier = 0;
      each.runnable = kAllLanes;
    }
  }
  Yield();
}

namespace {

// Each lane's value is where its registers are.
std::array<MatrixRegisters, kWarp> RegistersOf(const Warp& warp) {
  std::array<MatrixRegisters, kWarp> lanes;
  for (int i = 0; i < kWarp; ++i) lanes[i] = *reinterpret_cast<const MatrixRegisters*>(warp.values[i]);
  return lanes;
}

// What each lane gets, once all have come.
void Complete(Warp& warp) {
  for (int i = 0; i < kWarp; ++i) {
    int source = i;
    if (warp.collective == Collective::kShflXor) source = i ^ warp.operands[i];
    if (warp.collective == Collective::kShfl) source = warp.operands[i];
    if (warp.collective == Collective::kShflDown && i + warp.operands[i] < kWarp) source = i + warp.operands[i];
    warp.results[i] = warp.values[source];
  }
  if (warp.collective == Collective::kMultiplyInt8) MultiplyInt8(RegistersOf(warp));
  if (warp.collective == Collective::kMultiplyBf16) MultiplyBf16(RegistersOf(warp));
  if (warp.collective == Collective::kMultiplyF16) MultiplyF16(RegistersOf(warp));
  if (warp.collective == Collective::kSyncWarp) ++warp.syncs;
  warp.in_collective = 0;
  warp.runnable = kAllLanes;
}

}  // namespace

uint64_t Machine::Exchange(Collective kind, uint64_t value, int operand, int line) {
  Lane& lane = *current_lane;
  Warp& warp = *lane.warp;
  const int lane_id = lane.thread % kWarp;
  if (operand < 0 || operand >= kWarp) {
    Fail("%s of line %d with operand %d; a warp has %d lanes", NameOf(kind), line, operand, kWarp);
  }
  if (warp.in_collective != 0 && (warp.collective != kind || warp.line != line)) {
    Fail("%s of line %d while lane %d waits in %s of line %d", NameOf(kind), line, LowestLane(warp.in_collective),
         NameOf(warp.collective), warp.line);
  }
  if (warp.returned != 0) {
    Fail("%s of line %d after lane %d of the warp returned", NameOf(kind), line, LowestLane(warp.returned));
  }
  if (warp.at_barrier != 0) {
    Fail("%s of line %d while lane %d waits in SyncBlock of line %d", NameOf(kind), line, LowestLane(warp.at_barrier),
         lane.block->barrier_line);
  }
  warp.collective = kind;
  warp.line = line;
  warp.values[lane_id] = value;
  warp.operands[lane_id] = operand;
  warp.runnable &= ~lane.bit();
  warp.in_collective |= lane.bit();
  if (warp.in_collective == kAllLanes) Complete(warp);
  Yield();
  return warp.results[lane_id];
}

// Lets the next lane run, which may be the one that calls. There is one: whoever waits does so for lanes that can run, as
// all other ways to wait have failed.
void Machine::Yield() {
  Lane* self = current_lane;
  Lane* next = Next();
  if (next != self) Resume(*next);
}

void Machine::Resume(Lane& lane) {
  Fiber& from = *current_lane->fiber;
  if (lane.fiber == nullptr) lane.fiber = &fibers_.Take();
  current_lane = &lane;
  SwitchFiber(from, *lane.fiber);
}

Lane* Machine::Next() {
  Warp* warp = NextWarp();
  if (warp == nullptr) return nullptr;
  uint64_t lanes = warp->runnable;
  if (launch_->seed != 0) {
    for (uint64_t skip = Random() % std::popcount(lanes); skip > 0; --skip) lanes &= lanes - 1;
  }
  return &warp->lanes[LowestLane(lanes)];
}

Warp* Machine::NextWarp() {
  if (launch_->seed == 0) {
    for (size_t i = 0; i < warps_.size(); ++i) {
      Warp* warp = warps_[cursor_];
      if (warp->runnable != 0) return warp;
      cursor_ = cursor_ + 1 == warps_.size() ? 0 : cursor_ + 1;
    }
    return nullptr;
  }
  Warp* best = nullptr;
  uint64_t candidates = 0;
  const bool by_priority = launch_->seed % 2 == 1;
  for (Warp* warp : warps_) {
    if (warp->runnable == 0) continue;
    ++candidates;
    const bool better = by_priority ? best == nullptr || warp->priority > best->priority : Random() % candidates == 0;
    if (better) best = warp;
  }
  // A change of priority every 64 choices or so lets a warp fall behind in the middle of its work.
  if (best != nullptr && by_priority && Random() % 64 == 0) best->priority = Random();
  return best;
}

uint64_t Machine::Random() {
  uint64_t z = random_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void Machine::Fail(const char* format, ...) {
  const Lane& lane = *current_lane;
  const Block& block = *lane.block;
  char text[512];
  const int prefix = std::snprintf(text, sizeof(text), "%s: block (%u,%u,%u) thread %d: ", launch_->name, block.x,
                                   block.y, block.z, lane.thread);
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text + prefix, sizeof(text) - prefix, format, arguments);
  va_end(arguments);
  error_ = text;
  SwitchFiber(*lane.fiber, caller_);
  std::abort();  // Run resets every fiber of a launch that failed
}

}  // namespace engine::simt
