/* The C interface of libengine_simt32.so and libengine_simt64.so (warps of 32 and 64 threads), and of their checking
 * builds libengine_simt_check32.so and libengine_simt_check64.so. Kernels are exported under their names, so dlsym finds
 * them as cuModuleGetFunction would. One launch at a time: the caller's thread runs it to its end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*SimtKernel)(const void* args);

/* What a launch cost, counted by the checking builds. On a device without bank conflicts wavefronts equal requests; with
 * perfect coalescing sectors equal ideal_sectors. A request is one access instruction of a warp. */
typedef struct SimtCounters {
  uint64_t global_requests;
  uint64_t global_sectors; /* of 32 bytes */
  uint64_t global_ideal_sectors;
  uint64_t shared_requests;
  uint64_t shared_wavefronts; /* 32 banks of 4 bytes */
} SimtCounters;

typedef struct SimtLaunch {
  SimtKernel kernel;
  const char* name; /* for messages */
  uint32_t grid[3];
  uint32_t block[3]; /* whole warps */
  uint64_t shared_bytes;
  const void* args; /* the kernel's struct; aligned for it */
  uint64_t args_bytes;
  /* Of the schedule. 0: blocks, warps and lanes in order, one block at a time. Otherwise three blocks are resident;
   * an even seed picks threads at random, an odd one follows random priorities of warps that change now and then. */
  uint64_t seed;
  SimtCounters* counters; /* added to by the checking builds; may be null */
} SimtLaunch;

/* 0, or nonzero and one sentence: kernel, block, thread and what went wrong. */
int engine_simt_launch(const SimtLaunch* launch, char* error, size_t error_size);

/* What the host did to device memory, which the checking builds must know: kernels may touch only allocated bytes and read
 * only written ones. The other builds ignore it. Of what is reserved, as many bytes from the begin on may be touched as the
 * last kSimtMapped says. */
enum SimtMemoryEvent { kSimtAllocated, kSimtWritten, kSimtFreed, kSimtReserved, kSimtMapped };
void engine_simt_memory(enum SimtMemoryEvent event, const void* begin, uint64_t bytes);

#ifdef __cplusplus
}
#endif
