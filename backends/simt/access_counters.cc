#include "backends/simt/access_counters.h"

#include <algorithm>
#include <array>
#include <set>

namespace engine::simt {
namespace {

constexpr uintptr_t kSectorBytes = 32;
constexpr uintptr_t kBankBytes = 4;
constexpr uintptr_t kBanks = 32;

uint64_t Sectors(const std::vector<uintptr_t>& addresses, size_t bytes) {
  std::set<uintptr_t> sectors;
  for (const uintptr_t address : addresses) {
    for (uintptr_t s = address / kSectorBytes; s <= (address + bytes - 1) / kSectorBytes; ++s) sectors.insert(s);
  }
  return sectors.size();
}

// Lanes whose words come from one bank take turns, unless it is the same word. 128 bytes go at a time.
uint64_t Wavefronts(const std::vector<uintptr_t>& addresses, size_t bytes) {
  const size_t words = std::max<size_t>(1, bytes / kBankBytes);
  const size_t lanes = kBanks / words;
  uint64_t wavefronts = 0;
  for (size_t begin = 0; begin < addresses.size(); begin += lanes) {
    std::array<std::set<uintptr_t>, kBanks> banks;
    size_t most = 1;
    for (size_t i = begin; i < std::min(addresses.size(), begin + lanes); ++i) {
      for (size_t w = 0; w < words; ++w) {
        const uintptr_t word = addresses[i] / kBankBytes + w;
        banks[word % kBanks].insert(word);
        most = std::max(most, banks[word % kBanks].size());
      }
    }
    wavefronts += most;
  }
  return wavefronts;
}

}  // namespace

void AccessCounters::Add(const void* code, uint64_t thread, uint64_t warp, uintptr_t address, size_t bytes,
                         bool shared) {
  Request& request = requests_[{code, warp, executions_[{code, thread}]++}];
  request.shared = shared;
  request.bytes = bytes;
  request.addresses.push_back(address);
}

void AccessCounters::Flush(SimtCounters& counters) {
  for (const auto& [key, request] : requests_) {
    if (request.shared) {
      const size_t words = std::max<size_t>(1, request.bytes / kBankBytes);
      counters.shared_requests += (request.addresses.size() * words + kBanks - 1) / kBanks;
      counters.shared_wavefronts += Wavefronts(request.addresses, request.bytes);
    } else {
      ++counters.global_requests;
      counters.global_sectors += Sectors(request.addresses, request.bytes);
      counters.global_ideal_sectors += (request.addresses.size() * request.bytes + kSectorBytes - 1) / kSectorBytes;
    }
  }
  executions_.clear();
  requests_.clear();
}

}  // namespace engine::simt
