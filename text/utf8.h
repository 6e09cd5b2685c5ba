// UTF-8 that we did not make.
#pragma once

#include <string_view>

#include "core/base/status.h"

namespace engine {

// Bytes of the code point at the start of `text`: 1 to 4, or 0 if there is no whole, valid one. Surrogates, overlong
// forms and values above U+10FFFF are not valid.
int CodePointLength(std::string_view text);

// An error that names the first byte that belongs to no valid code point.
absl::Status CheckUtf8(std::string_view text);

}  // namespace engine
