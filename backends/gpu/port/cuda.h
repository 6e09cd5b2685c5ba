// The port API for CUDA, compiled by nvcc: sm_80 and newer.
#pragma once

#include <cstdint>

#include "backends/gpu/port/vec.h"

#define GPU_KERNEL(name, Args, threads, ...) \
  extern "C" __global__ __launch_bounds__(threads __VA_OPT__(, ) __VA_ARGS__) void name(const Args args)
#define GPU_FN __device__ __forceinline__
#define GPU_SHARED(Struct, name) __shared__ Struct name

namespace engine::gpu {

inline constexpr int kWarp = 32;

GPU_FN int Tid() { return static_cast<int>(threadIdx.x); }
GPU_FN int Bid() { return static_cast<int>(blockIdx.x); }
GPU_FN int BidY() { return static_cast<int>(blockIdx.y); }
GPU_FN int BidZ() { return static_cast<int>(blockIdx.z); }
GPU_FN int GridDim() { return static_cast<int>(gridDim.x); }
GPU_FN int LaneId() { return Tid() % kWarp; }
GPU_FN int WarpId() { return Tid() / kWarp; }

GPU_FN void SyncBlock() { __syncthreads(); }
GPU_FN void SyncWarp() { __syncwarp(); }

inline constexpr unsigned kAllLanes = 0xffffffffu;
template <typename T>
GPU_FN T ShflXor(T value, int mask) {
  return __shfl_xor_sync(kAllLanes, value, mask);
}
template <typename T>
GPU_FN T ShflDown(T value, int delta) {
  return __shfl_down_sync(kAllLanes, value, delta);
}
template <typename T>
GPU_FN T Shfl(T value, int lane) {
  return __shfl_sync(kAllLanes, value, lane);
}

GPU_FN uint32_t AtomicAdd(uint32_t* address, uint32_t value) { return atomicAdd(address, value); }
GPU_FN uint64_t AtomicAdd(uint64_t* address, uint64_t value) {
  return atomicAdd(reinterpret_cast<unsigned long long*>(address), static_cast<unsigned long long>(value));
}

GPU_FN int32_t Dot4(uint32_t a, uint32_t b, int32_t sum) {
  return __dp4a(static_cast<int>(a), static_cast<int>(b), sum);
}

// Bytes of b:a at selectors of four bits, whose top bits are 0. __byte_perm would clear these once more.
GPU_FN uint32_t Permute(uint32_t a, uint32_t b, uint32_t selectors) {
  uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(a), "r"(b), "r"(selectors));
  return bytes;
}
// Selectors are nibbles, so the values of both halves come out side by side.
GPU_FN Quads LookUp(const ByteTable& table, uint32_t indices) {
  const uint32_t(&t)[4] = table.words;
  const uint32_t at = indices & 0x77777777u;
  const uint32_t upper =
      (indices >> 1 & 0x44444444u) | 0x32103210u;  // which of both lies in the upper half of the table
  const uint32_t first = Permute(Permute(t[0], t[1], at), Permute(t[2], t[3], at), upper);
  const uint32_t last = Permute(Permute(t[0], t[1], at >> 16), Permute(t[2], t[3], at >> 16), upper >> 16);
  return {Permute(first, last, 0x6420), Permute(first, last, 0x7531)};
}

GPU_FN float FastExp2(float x) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  return power;
}
GPU_FN uint32_t Bf16Pair(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
GPU_FN float FlushFma(float a, float b, float acc) {
  float sum;
  asm("fma.rn.ftz.f32 %0, %1, %2, %3;" : "=f"(sum) : "f"(a), "f"(b), "f"(acc));
  return sum;
}

GPU_FN float WidenF16(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

GPU_FN int Opaque(int value) {
  asm volatile("" : "+r"(value));
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

GPU_FN void Prefetch(const void* address) { asm volatile("prefetch.global.L2 [%0];" ::"l"(address)); }
GPU_FN Vec<16> LoadOnce16(const void* address) {
  Vec<16> value;
  uint32_t(&words)[4] = value.words;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "l"(address));
  return value;
}

GPU_FN void CpAsync16(void* shared, const void* global) {
  const auto destination = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(destination), "l"(global) : "memory");
}
GPU_FN void CpAsyncCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kLast>
GPU_FN void CpAsyncWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLast) : "memory");
}

}  // namespace engine::gpu

#include "backends/gpu/port/cuda_matrix.h"
