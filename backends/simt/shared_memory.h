// Shared memory of a resident block: fresh NaNs for each block, red zones around what the kernel asked for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::simt {

// What every target has: NVIDIA's GPUs give 48 KiB to a struct whose size is known when the kernel is compiled, AMD's 64.
inline constexpr size_t kMaxSharedBytes = 48 * 1024;

class SharedMemory {
 public:
  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // Nothing is allocated and everything is a red zone.
  void Clear();
  // 64-byte aligned bytes, all 0xff: a NaN in every format.
  std::byte* Allocate(size_t bytes);

  std::byte* struct_begin() const { return begin_; }  // null: not allocated yet
  size_t struct_bytes() const { return bytes_; }
  bool Contains(const void* address) const;

  static constexpr size_t kRedZone = 1024;  // on both sides: further than an index that is off by a row of a tile
  static constexpr size_t kArenaBytes = kMaxSharedBytes + 2 * kRedZone;
  std::byte* arena() const { return arena_; }

 private:
  std::byte* arena_;
  std::byte* begin_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace engine::simt
