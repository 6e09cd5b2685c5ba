#include "backends/simt/fiber.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "SwitchStack is written for x86-64"
#endif

// Saves the registers that a callee must keep on the old stack, and takes them from the new one.
extern "C" void engine_simt_switch_stack(void** save, void* load);
asm(R"(
.text
.hidden engine_simt_switch_stack
.globl engine_simt_switch_stack
.type engine_simt_switch_stack,@function
engine_simt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size engine_simt_switch_stack,.-engine_simt_switch_stack
)");

namespace engine::simt {
namespace {

constexpr size_t kPage = 4096;
// A guard page and 15 pages: kernels keep little on the stack, and AddressSanitizer's frames are larger.
constexpr size_t kStackBytes = 16 * kPage;
// Three resident blocks of 1024 threads.
constexpr size_t kMaxFibers = 3 * 1024;
constexpr int kSavedRegisters = 6;

}  // namespace

#if __has_feature(address_sanitizer)
void SwitchFiber(Fiber& from, Fiber& to) {
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
  engine_simt_switch_stack(&from.stack_pointer, to.stack_pointer);
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
}
void FiberEntered() { __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr); }
#else
void SwitchFiber(Fiber& from, Fiber& to) { engine_simt_switch_stack(&from.stack_pointer, to.stack_pointer); }
void FiberEntered() {}
#endif

namespace {

Fiber FiberOfThisThread() {
  Fiber fiber;
  pthread_attr_t attributes;
  void* stack = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &stack, &fiber.stack_bytes);
  pthread_attr_destroy(&attributes);
  fiber.stack = static_cast<std::byte*>(stack);
  return fiber;
}

}  // namespace

// Asked once: for the main thread the answer takes reading all of /proc/self/maps, longer than a small launch.
Fiber CallersFiber() {
  thread_local const Fiber fiber = FiberOfThisThread();
  return fiber;
}

FiberPool::~FiberPool() {
  if (stacks_ != nullptr) munmap(stacks_, kMaxFibers * kStackBytes);
}

Fiber& FiberPool::Take() {
  if (idle_.empty()) return Create();
  Fiber& fiber = *idle_.back();
  idle_.pop_back();
  return fiber;
}

void FiberPool::Reset() {
  idle_.clear();
  for (const auto& fiber : fibers_) {
    Prepare(*fiber);
    idle_.push_back(fiber.get());
  }
}

const Fiber* FiberPool::FindByAddress(const void* address) const {
  const auto offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(stacks_);
  const size_t index = offset / kStackBytes;
  return stacks_ != nullptr && index < fibers_.size() ? fibers_[index].get() : nullptr;
}

Fiber& FiberPool::Create() {
  if (stacks_ == nullptr) {
    void* memory = mmap(nullptr, kMaxFibers * kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("simt: no address space for the stacks of GPU threads");
      std::abort();
    }
    stacks_ = static_cast<std::byte*>(memory);
  }
  auto fiber = std::make_unique<Fiber>();
  std::byte* guard = stacks_ + fibers_.size() * kStackBytes;
  mprotect(guard, kPage, PROT_NONE);
  fiber->stack = guard + kPage;
  // Tops at 61 different cache lines of a page: were they all at the same one, 8 ways of the first-level cache would hold
  // the frames of all threads.
  fiber->stack_bytes = kStackBytes - kPage - fibers_.size() % 61 * 64;
  Prepare(*fiber);
  fibers_.push_back(std::move(fiber));
  return *fibers_.back();
}

void FiberPool::Prepare(Fiber& fiber) const {
#if __has_feature(address_sanitizer)
  __asan_unpoison_memory_region(fiber.stack, fiber.stack_bytes);
#endif
  fiber.fake_stack = nullptr;
  // The switch pops registers, then returns to `entry`, which finds the stack as a call leaves it: 8 beside a multiple of
  // 16, where its own return address would be.
  auto* top = reinterpret_cast<void**>(fiber.stack + fiber.stack_bytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(entry_);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  fiber.stack_pointer = top;
}

}  // namespace engine::simt
