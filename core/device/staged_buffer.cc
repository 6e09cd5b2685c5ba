#include "core/device/staged_buffer.h"

namespace engine {

absl::StatusOr<StagedBuffer> StagedBuffer::Create(Device& device, int64_t bytes) {
  StagedBuffer buffer;
  ASSIGN_OR_RETURN(buffer.host_, device.Allocate(bytes, MemoryKind::kHost));
  if (!device.info().reads_host_memory) {
    ASSIGN_OR_RETURN(buffer.device_, device.Allocate(bytes, MemoryKind::kDevice));
  }
  return buffer;
}

}  // namespace engine
