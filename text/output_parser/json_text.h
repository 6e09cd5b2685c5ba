// Pieces of JSON text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace engine {

// As the inside of a JSON string.
void AppendJsonEscaped(std::string_view text, std::string& json);

// A number or a constant of JSON, or a constant of Python, as JSON writes it; none: it is neither.
std::optional<std::string_view> JsonWord(std::string_view word);

}  // namespace engine
