// Sums that nobody needs.
// A block reads 64 KiB, or computes.
// A thread reads 16 bytes of each 4 KiB, or owns eight chains of operations in registers; a warp owns four tiles of sums.
#include "backends/gpu/port/port.h"
#include "backends/gpu/probe.h"
#include "core/base/math.h"

namespace engine::gpu {
namespace {

// Chains of acc = step(acc), from different values on.
template <typename T, typename Step>
GPU_FN T SumOfChains(int rounds, Step step) {
  T chains[kProbeChains];
#pragma unroll
  for (int i = 0; i < kProbeChains; ++i) chains[i] = static_cast<T>(Tid() + i);
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int i = 0; i < kProbeChains; ++i) chains[i] = step(chains[i]);
  }
  T sum = 0;
#pragma unroll
  for (int i = 0; i < kProbeChains; ++i) sum += chains[i];
  return sum;
}

// Steps of the warp's matrix unit, tiles = step(operand(i), operand(i), tiles), and the lane's part of their sums. Operands
// are no zeros, with which a device would draw less power than at work.
template <typename T, typename Operand, typename Step>
GPU_FN T SumOfTiles(int rounds, Operand operand, Step step) {
  MatrixOperand a, b;
#pragma unroll
  for (int i = 0; i < MatrixLayout::kWords; ++i) {
    const auto at = static_cast<uint32_t>(Tid() * MatrixLayout::kWords + i);
    a.words[i] = operand(2 * at + 1);
    b.words[i] = operand(2 * at + 2001);
  }
  MatrixSums<T> tiles[kProbeTiles];
#pragma unroll
  for (int t = 0; t < kProbeTiles; ++t) {
#pragma unroll
    for (int i = 0; i < MatrixLayout::kValues; ++i) tiles[t].values[i] = 0;
  }
  for (int round = 0; round < rounds * (kWarp / 32); ++round) {
#pragma unroll
    for (int t = 0; t < kProbeTiles; ++t) step(a, b, tiles[t]);
  }
  T sum = 0;
#pragma unroll
  for (int t = 0; t < kProbeTiles; ++t) {
#pragma unroll
    for (int i = 0; i < MatrixLayout::kValues; ++i) sum += tiles[t].values[i];
  }
  return sum;
}

}  // namespace

GPU_KERNEL(probe_read, ProbeArgs, kProbeRead.threads) {
  constexpr int kStride = kProbeRead.threads * 16;
  const std::byte* data = args.data + int64_t{Bid()} * kProbeBlockBytes + int64_t{Tid()} * 16;
  uint32_t sum = 0;
#pragma unroll
  for (int i = 0; i < kProbeBlockBytes / kStride; ++i) {
    const Vec<16> words = LoadVec<16>(data + int64_t{i} * kStride);
    sum += words.words[0] ^ words.words[1] ^ words.words[2] ^ words.words[3];
  }
  if (sum == args.never) args.out[0] = sum;
}

GPU_KERNEL(probe_int8, ProbeArgs, kProbeInt8.threads) {
  const auto sum = static_cast<uint32_t>(SumOfTiles<int32_t>(
      args.rounds, [&](uint32_t i) { return args.never * i; },
      [](const MatrixOperand& a, const MatrixOperand& b, MatrixSums<int32_t>& sums) {
        MultiplyInt8(a, b, sums, sums);
      }));
  if (sum == args.never) args.out[0] = sum;
}

GPU_KERNEL(probe_bf16, ProbeArgs, kProbeBf16.threads) {
  // Both halves of a word lie in [1, 2) or (-2, -1].
  const auto sum = SumOfTiles<float>(
      args.rounds, [&](uint32_t i) { return (args.never * i & 0x807f807fu) | 0x3f803f80u; },
      [](const MatrixOperand& a, const MatrixOperand& b, MatrixSums<float>& sums) { MultiplyBf16(a, b, sums); });
  if (sum == static_cast<float>(args.never)) args.out[0] = 1;
}

GPU_KERNEL(probe_f32, ProbeArgs, kProbeF32.threads) {
  const float factor = 1.0f / static_cast<float>(args.rounds + 1);
  const auto sum = SumOfChains<float>(args.rounds, [&](float acc) { return Fma(acc, factor, 0.5f); });
  if (sum == static_cast<float>(args.never)) args.out[0] = 1;
}

}  // namespace engine::gpu
