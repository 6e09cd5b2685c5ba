// The gate functions of ops/activation.h for F32x16. That header must not be included before this one: its templates
// need the instructions of the vectors they work on.
#pragma once

#include <string_view>

#include "backends/cpu/isa/vector.h"

ENGINE_ISA_BEGIN_
#include "ops/activation.h"
ENGINE_ISA_END_
