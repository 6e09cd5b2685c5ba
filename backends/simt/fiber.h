// Stacks that GPU threads run on, and switching between them. x86-64.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace engine::simt {

struct Fiber {
  void* stack_pointer = nullptr;  // where it continues
  std::byte* stack = nullptr;     // lowest address
  size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // of AddressSanitizer
};

// Leaves `from`, which continues when somebody switches back to it.
void SwitchFiber(Fiber& from, Fiber& to);

// Tells AddressSanitizer where a fiber's first switch ended. Call at the start of its entry function.
void FiberEntered();

// The caller's own stack as a fiber to come back to.
Fiber CallersFiber();

class FiberPool {
 public:
  // Fibers run `entry`, which must not return, from its start.
  explicit FiberPool(void (*entry)()) : entry_(entry) {}
  ~FiberPool();

  Fiber& Take();
  // An idle fiber continues where it left when it is taken again.
  void GiveBack(Fiber& fiber) { idle_.push_back(&fiber); }
  // Forgets what every fiber was doing: all are idle and start again.
  void Reset();
  // The fiber whose stack holds the address, or null.
  const Fiber* FindByAddress(const void* address) const;

 private:
  Fiber& Create();
  void Prepare(Fiber& fiber) const;

  void (*entry_)();
  std::byte* stacks_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
};

}  // namespace engine::simt
