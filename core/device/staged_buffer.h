// Bytes that the host and a device hand each other in every step: one buffer where the device computes in host memory,
// else one on each side.
#pragma once

#include "core/device/device.h"

namespace engine {

class StagedBuffer {
 public:
  StagedBuffer() = default;
  static absl::StatusOr<StagedBuffer> Create(Device& device, int64_t bytes);

  std::byte* host() const { return host_.data(); }
  std::byte* device() const { return device_.data() == nullptr ? host() : device_.data(); }

  // Bring `bytes` from `begin` on, or the first `bytes`, to the other side. Until the stream has come that far the host
  // neither writes nor reads them.
  absl::Status Upload(Stream& stream, int64_t begin, int64_t bytes) const {
    return stream.Copy(device() + begin, host() + begin, bytes);
  }
  absl::Status Download(Stream& stream, int64_t bytes) const { return stream.Copy(host(), device(), bytes); }

 private:
  Buffer host_;
  Buffer device_;  // empty where the host's is read in place
};

}  // namespace engine
