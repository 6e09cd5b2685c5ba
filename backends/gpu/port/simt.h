// The port API of the SIMT device. Kernels are C++ functions with C names; backends/simt runs a fiber for each of their
// threads and implements what is only declared here.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "backends/gpu/port/matrix_layout.h"
#include "backends/gpu/port/vec.h"
#include "core/base/bf16.h"
#include "core/base/bf16_dot.h"

#define GPU_KERNEL(name, Args, threads, ...)                              \
  static_assert((threads) % 64 == 0 && (threads) <= 1024);                \
  static_assert(std::is_trivially_copyable_v<Args>);                      \
  static void name##Body(const Args& args);                               \
  extern "C" [[gnu::visibility("default")]] void name(const void* args) { \
    name##Body(*static_cast<const Args*>(args));                          \
  }                                                                       \
  static void name##Body([[maybe_unused]] const Args& args)
#define GPU_FN inline
#define GPU_SHARED(Struct, name) Struct& name = ::engine::gpu::simt::Shared<Struct>()

namespace engine::gpu {

inline constexpr int kWarp = ENGINE_SIMT_WARP;

// Constant for as long as a thread lives, so the compiler may read them once.
[[gnu::const]] int Tid();
[[gnu::const]] int Bid();
[[gnu::const]] int BidY();
[[gnu::const]] int BidZ();
[[gnu::const]] int GridDim();
[[gnu::const]] inline int LaneId() { return Tid() % kWarp; }
[[gnu::const]] inline int WarpId() { return Tid() / kWarp; }

namespace simt {

enum class Collective : uint8_t { kShflXor, kShflDown, kShfl, kSyncWarp, kMultiplyInt8, kMultiplyBf16, kMultiplyF16 };

// `line` is the caller's: all threads must come from the same one.
void SyncBlock(int line);
uint64_t Exchange(Collective kind, uint64_t value, int operand, int line);
void Multiply(Collective kind, const uint32_t* a, const uint32_t* b, void* sums, int line);
std::byte* SharedMemory(size_t bytes);
void CheckAligned(const void* address, size_t bytes);
uint64_t AtomicAdd(void* address, size_t bytes, uint64_t value);
void CopyAsync16(void* shared, const void* global);
void CommitCopies();
void WaitForCopies(int last);

template <typename T>
T& Shared() {
  static_assert(std::is_trivially_default_constructible_v<T> && sizeof(T) <= 48 * 1024 && alignof(T) <= 64);
  return *reinterpret_cast<T*>(SharedMemory(sizeof(T)));
}

template <typename T>
T ExchangeValue(Collective kind, T value, int operand, int line) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = Exchange(kind, bits, operand, line);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace simt

inline void SyncBlock(int line = __builtin_LINE()) { simt::SyncBlock(line); }
inline void SyncWarp(int line = __builtin_LINE()) { simt::Exchange(simt::Collective::kSyncWarp, 0, 0, line); }

template <typename T>
T ShflXor(T value, int mask, int line = __builtin_LINE()) {
  return simt::ExchangeValue(simt::Collective::kShflXor, value, mask, line);
}
template <typename T>
T ShflDown(T value, int delta, int line = __builtin_LINE()) {
  return simt::ExchangeValue(simt::Collective::kShflDown, value, delta, line);
}
template <typename T>
T Shfl(T value, int lane, int line = __builtin_LINE()) {
  return simt::ExchangeValue(simt::Collective::kShfl, value, lane, line);
}

template <typename T>
T AtomicAdd(T* address, T value) {
  static_assert(std::is_same_v<T, uint32_t> || std::is_same_v<T, uint64_t>);
  return static_cast<T>(simt::AtomicAdd(address, sizeof(T), value));
}

inline int32_t Dot4(uint32_t a, uint32_t b, int32_t sum) {
  for (int i = 0; i < 32; i += 8) sum += static_cast<int8_t>(a >> i) * static_cast<int8_t>(b >> i);
  return sum;
}

inline Quads LookUp(const ByteTable& table, uint32_t indices) {
  Quads out{};
  for (int i = 0; i < 32; i += 4) {
    const uint32_t index = indices >> i & 15;
    const uint32_t byte = table.words[index / 4] >> (index % 4 * 8) & 0xff;
    (i % 8 == 0 ? out.low : out.high) |= byte << (i / 8 * 8);
  }
  return out;
}

using MatrixLayout = std::conditional_t<kWarp == 32, NvidiaMatrix, CdnaMatrix>;
using MatrixOperand = OperandOf<MatrixLayout>;
template <typename T>
using MatrixSums = SumsOf<MatrixLayout, T>;

inline void MultiplyInt8(const MatrixOperand& a, const MatrixOperand& b, const MatrixSums<int32_t>& start,
                         MatrixSums<int32_t>& sums, int line = __builtin_LINE()) {
  sums = start;
  simt::Multiply(simt::Collective::kMultiplyInt8, a.words, b.words, sums.values, line);
}
inline void MultiplyBf16(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums,
                         int line = __builtin_LINE()) {
  simt::Multiply(simt::Collective::kMultiplyBf16, a.words, b.words, sums.values, line);
}
inline void MultiplyF16(const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums,
                        int line = __builtin_LINE()) {
  simt::Multiply(simt::Collective::kMultiplyF16, a.words, b.words, sums.values, line);
}

inline float FastExp2(float x) { return std::exp2(x); }
inline uint32_t Bf16Pair(float low, float high) {
  return F32ToBf16(low) | static_cast<uint32_t>(F32ToBf16(high)) << 16;
}
inline float FlushFma(float a, float b, float acc) { return Fma(DenormalToZero(a), DenormalToZero(b), acc); }
inline float WidenF16(uint16_t bits) { return F16ToF32(bits); }
inline int Opaque(int value) { return value; }

// Volatile: a compiler that takes it for four accesses of a word would have them counted.
template <int kBytes>
Vec<kBytes> LoadVec(const void* address) {
  using Words [[gnu::vector_size(kBytes), gnu::may_alias]] = uint32_t;
  simt::CheckAligned(address, kBytes);
  const Words words = *static_cast<const volatile Words*>(address);
  return std::bit_cast<Vec<kBytes>>(words);
}
template <int kBytes>
void StoreVec(void* address, Vec<kBytes> value) {
  simt::CheckAligned(address, kBytes);
  std::memcpy(address, &value, kBytes);
}

inline void Prefetch(const void*) {}
inline Vec<16> LoadOnce16(const void* address) { return LoadVec<16>(address); }
inline void CpAsync16(void* shared, const void* global) { simt::CopyAsync16(shared, global); }
inline void CpAsyncCommit() { simt::CommitCopies(); }
template <int kLast>
void CpAsyncWait() {
  simt::WaitForCopies(kLast);
}

}  // namespace engine::gpu

#include "backends/gpu/port/load_operand.h"
