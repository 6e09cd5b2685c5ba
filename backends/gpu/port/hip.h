// The port API for HIP, from clang's builtins alone: needs neither ROCm's headers nor its device libraries. gfx9 has warps
// of 64 lanes, gfx11 and gfx12 of 32.
#pragma once

#include <cstdint>

#include "backends/gpu/port/vec.h"
#include "core/base/bf16.h"
#include "core/base/bf16_dot.h"

#define GPU_KERNEL(name, Args, threads, ...)                                                                           \
  extern "C" __attribute__((global,                                                                                    \
                            amdgpu_flat_work_group_size(1, ResidentThreads(threads __VA_OPT__(, ) __VA_ARGS__)))) void \
  name(const Args args)
#define GPU_FN __attribute__((device, always_inline)) inline
#define GPU_SHARED(Struct, name) __attribute__((shared)) Struct name

namespace engine::gpu {

inline constexpr int kWarp = ENGINE_HIP_WARP;

// clang leaves registers for as many threads as a block may have. So that others have room beside it, it is told of them all
// as if they were one block's: 1024 of the 2048 that a multiprocessor may have, or as many as the kernel asks for.
constexpr int ResidentThreads(int threads, int blocks = 0) { return blocks > 0 ? threads * blocks : 1024; }

// Counts of blocks come first in what the runtime appends to a kernel's arguments (code object version 5).
GPU_FN int GridDim() {
  // A C cast: the builtin's type names the same address space in another way.
  return (int)((const __attribute__((address_space(4))) uint32_t*)__builtin_amdgcn_implicitarg_ptr())[0];
}
GPU_FN int Tid() { return static_cast<int>(__builtin_amdgcn_workitem_id_x()); }
GPU_FN int Bid() { return static_cast<int>(__builtin_amdgcn_workgroup_id_x()); }
GPU_FN int BidY() { return static_cast<int>(__builtin_amdgcn_workgroup_id_y()); }
GPU_FN int BidZ() { return static_cast<int>(__builtin_amdgcn_workgroup_id_z()); }
GPU_FN int LaneId() { return Tid() % kWarp; }
GPU_FN int WarpId() { return Tid() / kWarp; }

GPU_FN void SyncBlock() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
GPU_FN void SyncWarp() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront");
  __builtin_amdgcn_wave_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront");
}

// The value that another lane holds, word by word.
template <typename T>
GPU_FN T FromLane(T value, int lane) {
  static_assert(sizeof(T) % sizeof(int32_t) == 0);
  int32_t words[sizeof(T) / sizeof(int32_t)];
  __builtin_memcpy(words, &value, sizeof(T));
  for (int32_t& word : words) word = __builtin_amdgcn_ds_bpermute(lane * 4, word);
  __builtin_memcpy(&value, words, sizeof(T));
  return value;
}
template <typename T>
GPU_FN T ShflXor(T value, int mask) {
  return FromLane(value, LaneId() ^ mask);
}
template <typename T>
GPU_FN T ShflDown(T value, int delta) {
  return FromLane(value, LaneId() + delta < kWarp ? LaneId() + delta : LaneId());
}
template <typename T>
GPU_FN T Shfl(T value, int lane) {
  return FromLane(value, lane);
}

GPU_FN uint32_t AtomicAdd(uint32_t* address, uint32_t value) {
  return __hip_atomic_fetch_add(address, value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
}
GPU_FN uint64_t AtomicAdd(uint64_t* address, uint64_t value) {
  return __hip_atomic_fetch_add(address, value, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
}

// gfx11 dropped the instruction for signed operands in favour of one that is told their signs.
GPU_FN int32_t Dot4(uint32_t a, uint32_t b, int32_t sum) {
#if ENGINE_HIP_WARP == 64
  return __builtin_amdgcn_sdot4(static_cast<int>(a), static_cast<int>(b), sum, false);
#else
  return __builtin_amdgcn_sudot4(true, static_cast<int>(a), true, static_cast<int>(b), sum, false);
#endif
}

// v_perm's selectors 0 to 3 are bytes of its second operand, 4 to 7 of its first, 12 is 0 and 13 is 255.
GPU_FN uint32_t LookUpBytes(const ByteTable& table, uint32_t indices) {
  const uint32_t at = indices & 0x07070707u;
  const uint32_t mask = __builtin_amdgcn_perm(0, 0, (indices >> 3 & 0x01010101u) | 0x0c0c0c0cu);
  return (__builtin_amdgcn_perm(table.words[1], table.words[0], at) & ~mask) |
         (__builtin_amdgcn_perm(table.words[3], table.words[2], at) & mask);
}
GPU_FN Quads LookUp(const ByteTable& table, uint32_t indices) {
  return {LookUpBytes(table, indices & 0x0f0f0f0fu), LookUpBytes(table, indices >> 4 & 0x0f0f0f0fu)};
}

GPU_FN float FastExp2(float x) { return __builtin_amdgcn_exp2f(x); }
GPU_FN uint32_t Bf16Pair(float low, float high) {
  return F32ToBf16(low) | static_cast<uint32_t>(F32ToBf16(high)) << 16;
}
GPU_FN float FlushFma(float a, float b, float acc) { return Fma(DenormalToZero(a), DenormalToZero(b), acc); }

GPU_FN float WidenF16(uint16_t bits) { return static_cast<float>(__builtin_bit_cast(_Float16, bits)); }

GPU_FN int Opaque(int value) {
  asm volatile("" : "+v"(value));
  return value;
}

template <int kBytes>
GPU_FN Vec<kBytes> LoadVec(const void* address) {
  return *static_cast<const Vec<kBytes>*>(address);
}
template <int kBytes>
GPU_FN void StoreVec(void* address, Vec<kBytes> value) {
  *static_cast<Vec<kBytes>*>(address) = value;
}

// Of AMD's GPUs, only those of gfx12 have an instruction for it.
GPU_FN void Prefetch(const void*) {}
// A nontemporal load would stream through the L2, too, where other blocks look for the same bytes.
GPU_FN Vec<16> LoadOnce16(const void* address) { return LoadVec<16>(address); }

// No hardware copies: the wait finds them done.
GPU_FN void CpAsync16(void* shared, const void* global) { StoreVec<16>(shared, LoadVec<16>(global)); }
GPU_FN void CpAsyncCommit() {}
template <int kLast>
GPU_FN void CpAsyncWait() {}

}  // namespace engine::gpu

#include "backends/gpu/port/hip_matrix.h"
