// out = a + b, element by element.
//   in: a f32[R, d], b f32[R, d]        out: f32[R, d]
#pragma once

#include "core/kernel/op.h"

namespace engine {

struct Add {};
const OpSchema& SchemaOf(const Add&);

}  // namespace engine
