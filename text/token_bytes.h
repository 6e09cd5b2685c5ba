// The bytes that one token stands for.
#pragma once

#include <string>

#include "text/tokenizer.h"

namespace engine {

// Part of a code point where a token is one, which decoding it alone would lose. Empty for an id without a token.
std::string TokenBytes(const Tokenizer& tokenizer, int32_t id);

}  // namespace engine
