// Opens and closes code for one instruction set.
//
// A kernel source is compiled once per instruction set (cmake/cpu_kernels.cmake) with ENGINE_ISA = portable, avx2 or
// avx512 and ENGINE_ISA_LEVEL = 0, 1 or 2, and lives in namespace engine::cpu::ENGINE_ISA. The wide instructions are
// switched on by an attribute of our own functions, never by a compiler flag: inline functions of the standard library
// have the same name in every copy, the linker keeps one of them, and it must run on every machine.
// Hence: #include everything before ENGINE_ISA_BEGIN_, and write ENGINE_ISA_END_ at the end of the file.
#pragma once

#if ENGINE_ISA_LEVEL == 2
// The named features imply AVX-512 F and BW, AVX2, FMA and F16C.
// clang-format off
#define ENGINE_ISA_BEGIN_ \
  _Pragma("clang attribute push(__attribute__((target(\"avx512vl,avx512dq,avx512vnni,avx512bf16\"))), apply_to = function)")
// clang-format on
#elif ENGINE_ISA_LEVEL == 1
#define ENGINE_ISA_BEGIN_ \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,f16c\"))), apply_to = function)")
#else
#define ENGINE_ISA_BEGIN_ _Pragma("clang attribute push(__attribute__((target(\"sse2\"))), apply_to = function)")
#endif

#define ENGINE_ISA_END_ _Pragma("clang attribute pop")

// Between ENGINE_ISA_BEGIN_ and ENGINE_ISA_END_: functions that must disappear into their caller, which keeps vectors
// in registers.
#define ENGINE_INLINE_BEGIN_ _Pragma("clang attribute push(__attribute__((always_inline)), apply_to = function)")
#define ENGINE_INLINE_END_ _Pragma("clang attribute pop")
