// Tensors, scratch and what each worker writes begin at cache lines.
#pragma once

#include <cstdint>

#include "core/base/round_up.h"

namespace engine {

// `bytes` rounded up to whole cache lines.
constexpr int64_t CacheLines(int64_t bytes) { return RoundUp(bytes, 64); }

}  // namespace engine
