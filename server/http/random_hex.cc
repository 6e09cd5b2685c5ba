#include "server/http/random_hex.h"

#include <random>

#include "absl/strings/str_format.h"

namespace engine {

std::string RandomHex(int digits) {
  thread_local std::mt19937_64 random(std::random_device{}());
  std::string hex;
  while (std::ssize(hex) < digits) hex += absl::StrFormat("%016x", random() | 1);
  return hex;
}

}  // namespace engine
