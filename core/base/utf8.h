// UTF-8 that we did not make.
#pragma once

#include <string_view>

#include "core/base/status.h"

namespace engine {

// Bytes of the code point at the start of `text`: 1 to 4, or 0 if there is no whole, valid one. Surrogates, overlong
// forms and values above U+10FFFF are not valid.
int CodePointLength(std::string_view text);

// Of text that no whole code point begins: the bytes of the broken one that does, at least 1. All of the text may be the
// beginning of one that is not there in full.
int BrokenLength(std::string_view text);
bool IsUnfinished(std::string_view text);

// An error that names the first byte that belongs to no valid code point.
absl::Status CheckUtf8(std::string_view text);

}  // namespace engine
