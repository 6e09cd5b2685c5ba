#include "server/traffic/traffic_split.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace engine {
namespace {

// FNV-1a, and the last step of SplitMix64 over it: FNV leaves the high bits of short texts alike.
uint64_t Hash(std::string_view text, uint64_t hash = 0xcbf29ce484222325) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}
uint64_t Mix(uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

absl::Status Malformed(std::string_view text) {
  return InvalidArgument("is '%s'; it must be NAME=MODEL:WEIGHT,MODEL:WEIGHT, as in chat=a:90,b:10", text);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrafficSplit>> TrafficSplit::Parse(std::string_view text, uint64_t seed) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return Malformed(text);
  std::vector<Share> shares;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(std::string(text.substr(equals + 1)), ','))) {
    const size_t colon = part.rfind(':');  // names of models may hold some
    if (colon == 0 || colon == std::string::npos) return Malformed(text);
    Share share{.model = part.substr(0, colon)};
    if (!absl::SimpleAtoi(part.substr(colon + 1), &share.weight) || share.weight <= 0) {
      return InvalidArgument("gives %s the weight '%s'; weights are whole numbers above 0", share.model,
                             part.substr(colon + 1));
    }
    if (std::ranges::find(shares, share.model, &Share::model) != shares.end()) {
      return InvalidArgument("has %s twice; give each model one weight", share.model);
    }
    shares.push_back(std::move(share));
  }
  return std::unique_ptr<TrafficSplit>(new TrafficSplit(std::string(text.substr(0, equals)), std::move(shares), seed));
}

TrafficSplit::TrafficSplit(std::string name, std::vector<Share> shares, uint64_t seed)
    : name_(std::move(name)), shares_(std::move(shares)), random_(seed) {
  for (const Share& share : shares_) {
    total_ += share.weight;
    stats_.push_back(std::make_shared<RouteStats>());
  }
}

uint64_t TrafficSplit::Draw() {
  std::lock_guard lock(mutex_);
  return random_();
}

// Two splits share no users' fates: the name belongs to what is hashed.
size_t TrafficSplit::Choose(std::string_view key) {
  const uint64_t random = key.empty() ? Draw() : Mix(Hash(key, Hash(name_)));
  auto place = static_cast<int64_t>((static_cast<unsigned __int128>(random) * static_cast<uint64_t>(total_)) >> 64);
  size_t share = 0;
  while (place >= shares_[share].weight) place -= shares_[share++].weight;
  return share;
}

std::shared_ptr<RouteStats> TrafficSplit::StatsOf(std::string_view model) const {
  return stats_.at(std::ranges::find(shares_, model, &Share::model) - shares_.begin());
}

}  // namespace engine
