// How closely a kernel keeps to the reference, and what a user asks for (docs/numerics.md).
#pragma once

#include <optional>
#include <string_view>

namespace engine {

// Ordered: a kernel of class c may run at level l when c <= l.
enum class Exactness { kExact, kInvariant, kFast };
using Numerics = Exactness;

inline std::string_view Name(Exactness exactness) {
  switch (exactness) {
    case Exactness::kExact:
      return "exact";
    case Exactness::kInvariant:
      return "invariant";
    case Exactness::kFast:
      return "fast";
  }
  return "unknown";
}

inline std::optional<Numerics> ParseNumerics(std::string_view text) {
  for (const Numerics level : {Numerics::kExact, Numerics::kInvariant, Numerics::kFast}) {
    if (Name(level) == text) return level;
  }
  return std::nullopt;
}

}  // namespace engine
