// The key-value section of a GGUF file.
#pragma once

#include <cstdint>
#include <vector>

#include "core/weights/byte_reader.h"
#include "core/weights/gguf.h"

namespace engine {

// A u64 length and that many bytes.
absl::StatusOr<std::string_view> ReadGgufString(ByteReader& in, std::string_view what);

absl::StatusOr<std::vector<GgufEntry>> ReadGgufEntries(ByteReader& in, uint64_t count);

}  // namespace engine
