// Text and errors across the C boundary of text/ffi.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"
#include "text/ffi/engine_text.h"

namespace engine {

// Takes over a buffer: copies and frees it.
std::string TakeBuffer(EngineTextBuffer buffer);

// The status of a call that returned `code` and, if that is not 0, stored a message in `error`, which is freed.
absl::Status TakeStatus(int code, EngineTextBuffer error, std::string_view what);

inline const uint8_t* Bytes(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

}  // namespace engine
