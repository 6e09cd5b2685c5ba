// ParsePackedFile on any bytes: no crash, no tensor outside the file. A checksum guards the header; it is made right, as
// a fuzzer would never get past it.
#include <cstring>

#include "core/base/checksum.h"
#include "core/weights/packed_file.h"
#include "tests/fuzz/fuzz_target.h"

namespace engine {
namespace {

void Read(std::span<const std::byte> bytes) {
  const auto file = ParsePackedFile(bytes);
  if (!file.ok()) return;
  (void)VerifyPackedTensors(*file);
  for (const SourceTensor& tensor : file->tensors) {
    if (!tensor.packed) ReadEveryRow({&tensor, 1});
  }
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  Read(bytes);
  std::vector<std::byte> sealed(bytes.begin(), bytes.end());
  PackedPreamble preamble;
  if (sealed.size() < sizeof(preamble) + sizeof(uint64_t)) return;
  std::memcpy(&preamble, sealed.data(), sizeof(preamble));
  preamble.version = kPackedVersion;
  preamble.file_bytes = sealed.size();
  if (preamble.header_bytes > sealed.size() || preamble.header_bytes < sizeof(preamble) + sizeof(uint64_t)) {
    preamble.header_bytes = sealed.size();
  }
  std::memcpy(preamble.magic, kPackedMagic, sizeof(preamble.magic));
  std::memcpy(sealed.data(), &preamble, sizeof(preamble));
  const size_t summed = preamble.header_bytes - sizeof(uint64_t);
  const uint64_t checksum = Checksum(std::span(sealed).first(summed));
  std::memcpy(sealed.data() + summed, &checksum, sizeof(checksum));
  Read(sealed);
}

}  // namespace engine
