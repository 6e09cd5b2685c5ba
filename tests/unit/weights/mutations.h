// Damaged copies of a valid file, and what a reader must do with them: no crash, and no byte outside the file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace engine {

// Bytes in an allocation of exactly their size, so that a sanitizer sees the first read past the end.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes) : size_(bytes.size()), bytes_(new std::byte[bytes.size()]) {
    for (size_t i = 0; i < size_; ++i) bytes_[i] = static_cast<std::byte>(bytes[i]);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): stands wherever the bytes would
  operator std::span<const std::byte>() const { return {bytes_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

// Calls read(damaged bytes) for every prefix and for every flipped bit.
template <typename Read>
void ForEachMutation(const std::string& file, const Read& read) {
  for (size_t size = 0; size < file.size(); ++size) read(ExactBytes(std::string_view(file).substr(0, size)));
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    read(ExactBytes(damaged));
  }
}

// Reads every byte of every tensor.
template <typename Tensors>
unsigned SumBytes(const Tensors& tensors) {
  unsigned sum = 0;
  for (const auto& tensor : tensors) {
    for (const std::byte byte : tensor.data) sum += std::to_integer<unsigned>(byte);
  }
  return sum;
}

}  // namespace engine
