// What is known about every byte that kernels may touch: whether it has been written, and who touched it last.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::simt {

// One access, with enough of its time to tell whether a barrier lies between it and another.
struct AccessRecord {
  uint64_t thread = 0;    // of the grid
  uint32_t period = 0;    // a launch for global memory, a block's life for shared memory; 0: never
  uint16_t barriers = 0;  // of the block so far
  uint16_t syncs = 0;     // of the warp so far
};

// The last write and the last two readers: a third is forgotten, so a race with it may go unseen.
struct ByteHistory {
  AccessRecord write;
  AccessRecord reads[2];
};

// Of one allocation. It takes memory as it is first used.
class Shadow {
 public:
  // The first `bytes` of `reserved`, which is at least as many, may be touched.
  Shadow(size_t bytes, size_t reserved);
  explicit Shadow(size_t bytes) : Shadow(bytes, bytes) {}
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  size_t bytes() const { return bytes_; }
  size_t reserved() const { return reserved_; }
  void Grow(size_t bytes) { bytes_ = bytes; }
  bool& written(size_t i) { return written_[i]; }
  bool& atomic(size_t i) { return atomic_[i]; }  // whether the last write was one
  ByteHistory& history(size_t i) { return histories_[i]; }

 private:
  size_t bytes_;
  const size_t reserved_;
  ByteHistory* histories_;  // begin of one mapping, in which the others follow
  bool* written_;
  bool* atomic_;
};

}  // namespace engine::simt
