// What a kernel may use besides plain C++ and the constexpr functions of core/ and ops/: about forty names with one
// implementation per compiler. Every warp collective takes all lanes of the warp; there are no lane masks.
//
//   GPU_KERNEL(name, Args, threads) { … }   an exported kernel; `args` is its struct, by value. A fourth argument tells
//                                           compilers for how many blocks a multiprocessor's registers must do: they
//                                           neither take more, nor spill to have room for further blocks
//   GPU_FN                                  in front of a function that kernels call
//   GPU_SHARED(Struct, name)                the kernel's shared memory: one struct, at most 48 KiB
//
//   kWarp                                   lanes of a warp: 32 or 64
//   Tid Bid BidY BidZ GridDim LaneId WarpId
//   SyncBlock()  SyncWarp()                 barriers, which also order memory
//   ShflXor(v, mask)  ShflDown(v, delta)  Shfl(v, lane)
//   AtomicAdd(p, v)                         uint32_t and uint64_t; returns what was there
//   Dot4(a, b, sum)                         sum + the dot product of four int8 in each word
//   FlushFma(a, b, acc)                     Fma for which denormal a and b are zeros; a result below 2^-126 may be one, too
//   LookUp(table, indices)                  the bytes of a table of 16 at eight indices of four bits: a Quads, with those of the
//                                           low halves of the bytes of `indices` and those of the high halves
//   MultiplyInt8(a, b, start, sums)         one step of a warp's matrix unit: sums[16, 16] = start + a[16, 32] * b[16, 32]^T of
//                                           int8. Each lane has a MatrixOperand of a and b and a MatrixSums<int32_t>, and
//                                           MatrixLayout (port/matrix_layout.h) says which elements these are
//   MultiplyInt8Half<H>(a, b, start, sums)  the same of bytes 16 H to 16 H + 15 of each row
//   MultiplyBf16(a, b, sums)  MultiplyF16   sums += the same of 16 bf16 or f16 to a row, with MatrixSums<float>, in an order of
//                                           its own
//   LoadFirst(halves, FirstAt<kRows>(row))  a MatrixOperand: 16 rows from `row` on of shared memory, as halves[2][kRows][4] has
//   LoadSecond(…, SecondAt<kRows>(row))     them; the second operand of a step lies in other registers
//   FastExp2(x)                             2^x within 2^-21 of it, for what is not exact; may be 0 where it is denormal
//   Bf16Pair(low, high)                     a word of two numbers that are rounded to bf16; not of NaNs
//   LoadVec<N>(p)  StoreVec<N>(p, v)        N = 4, 8 or 16 bytes at once, aligned to N
//   Prefetch(p)                             a hint: 128 bytes of global memory that will soon be read
//   LoadOnce16(p)                           16 bytes of global memory that no kernel writes and the block reads only once
//   CpAsync16(shared, global)  CpAsyncCommit()  CpAsyncWait<N>()
//                                           copies of 16 bytes; all but the last N commits have landed after the wait
//   WidenF16(bits)                          an f16 as the float that it is
//   Opaque(i)                               i, of which the compiler knows nothing: what follows from it is computed where it
//                                           is written, and not kept in registers throughout a loop around it
// port/collectives.h builds sums and maxima from these.
#pragma once

#if defined(__CUDACC__)
#include "backends/gpu/port/cuda.h"
#elif defined(__HIPCC__)
#include "backends/gpu/port/hip.h"
#else
#include "backends/gpu/port/simt.h"
#endif
