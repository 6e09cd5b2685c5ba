// Memory for one launch: aligned as kernels may expect, filled with poison, and fenced so that a write past either end
// shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

namespace engine {

// All bits set is NaN in f32 and bf16, -1 in integers: what is read without having been written does not go unnoticed.
inline constexpr auto kPoison = std::byte{0xff};

class GuardedBytes {
 public:
  static constexpr int64_t kFence = 256;  // four of the widest stores

  explicit GuardedBytes(int64_t size) : size_(size) {
    memory_ = static_cast<std::byte*>(operator new(size + 2 * kFence, std::align_val_t{kAlignment}));
    std::memset(memory_, 0xff, size + 2 * kFence);
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  GuardedBytes(GuardedBytes&& other) noexcept : memory_(other.memory_), size_(other.size_) { other.memory_ = nullptr; }
  ~GuardedBytes() { operator delete(memory_, std::align_val_t{kAlignment}); }

  std::byte* data() const { return memory_ + kFence; }
  std::span<std::byte> bytes() const { return {data(), static_cast<size_t>(size_)}; }
  // data() lies kFence behind its begin.
  std::span<std::byte> with_fences() const { return {memory_, static_cast<size_t>(size_ + 2 * kFence)}; }

  bool FencesAreIntact() const {
    for (int64_t i = 0; i < kFence; ++i) {
      if (memory_[i] != kPoison || memory_[kFence + size_ + i] != kPoison) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kAlignment = 64;

  std::byte* memory_;
  int64_t size_;
};

}  // namespace engine
